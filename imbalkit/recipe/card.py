"""The model card: what only people know of a model, the free text of a recipe's `card`, shown in the report."""

from __future__ import annotations

from imbalkit.kinds import Settings, param


class ModelCardSettings(Settings):
    """What the report cannot read from the run. All of it is optional; the report says 'not stated' for the rest."""

    intended_use: str | None = param(None, help="what the model is for, and for which decision")
    users: str | None = param(None, help="who is meant to use it, with what training")
    not_for: str | None = param(None, help="uses and cases that it is not for")
    workflow: str | None = param(
        None, help="where it stands in the work: what happens after a prediction, and who answers for it"
    )
    impact: str | None = param(None, help="effects on those concerned: of a miss, of a false alarm, on whose work")
    population: str | None = param(None, help="who or what the samples are of: setting, eligibility, numbers of places")
    source: str | None = param(None, help="where the data come from, with a reference")
    period: str | None = param(None, help="when they were collected")
    acquisition: str | None = param(None, help="how the images were taken: kind of image, devices, settings")
    artefacts: str | None = param(None, help="what else is in the images: marks, rulers, hair, text")
    preparation: str | None = param(None, help="what was done to the images before this run")
    reference_standard: str | None = param(None, help="how the labels were made, and by whom")
    attributes: str | None = param(
        None, help="how attributes of people, such as age, sex or skin colour, were assessed"
    )
    sample_size: str | None = param(None, help="why the data are as many as they are")
    ethics: str | None = param(None, help="approval and consent")
    licence: str | None = param(None, help="under what terms the data may be used")
    external_test: str | None = param(None, help="tests on data of other places or times, with their results")
    comparison: str | None = param(None, help="how people or other models do on the same task")
    known_biases: str | None = param(None, help="biases that are known or suspected")
    limitations: str | None = param(None, help="what else limits the model or this evaluation")
    updating: str | None = param(None, help="how the model is watched and renewed in use")
    availability: str | None = param(None, help="where data, code and model are available, and how others can test it")
    involvement: str | None = param(None, help="how patients or others concerned took part")
    protocol: str | None = param(None, help="protocol and registration of the study")
    funding: str | None = param(None, help="who paid, and what part they had")
    interests: str | None = param(None, help="conflicts of interest")
    authors: str | None = param(None, help="who made the model")
    contact: str | None = param(None, help="whom to ask")
    citation: str | None = param(None, help="how to cite it")
