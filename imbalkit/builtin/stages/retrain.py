"""A new head on a frozen body, or a second training of the whole network."""

from __future__ import annotations

from typing import Annotated, Literal

from imbalkit.kinds import Head, HeadRef, TrainedStage, one_of, param

HeadChoice = Annotated[
    Literal["new", "kept"] | HeadRef, one_of("`new`, `kept`, or a head", ("new", "kept"), mapping=HeadRef, text=HeadRef)
]


class Retrain(TrainedStage):
    """Trains the head, or the whole network, once more: cRT as it is (Kang et al. 2020, section 4.1).

    A new head learns on the frozen body with balanced draws. With `body: trained` it is the second half of a linear probe that is
    then fine-tuned, or a fine-tuning on other rows. What it learns of the class prior is that of its order and loss: exactly so,
    given the features, for a new head on a frozen body; what else it starts from may remain.
    """

    name = "retrain"
    body: Literal["frozen", "trained"] = param("frozen", help="whether the backbone learns too")
    head: HeadChoice = param(
        "new", help="`new`: one like the present head, from fresh weights; `kept`: the present one; or another head"
    )

    @property
    def trains_body(self) -> bool:
        return self.body == "trained"

    @property
    def makes_new_head(self) -> bool:
        return self.head != "kept"

    def head_after(self, head: Head) -> Head:
        return self.head if isinstance(self.head, Head) else head
