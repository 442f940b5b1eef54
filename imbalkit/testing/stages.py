"""Checks of stages: the heads that they find or train, and what they say of the class prior."""

from __future__ import annotations

import json

import numpy as np
import torch
from torch import nn

from imbalkit.base.randomness import generator
from imbalkit.catalogue import default_catalogue
from imbalkit.errors import ImbalkitError
from imbalkit.kinds import BuildContext, FeatureRows, Head, PriorShift, Solution, SolvedStage, TrainedStage
from imbalkit.plan import Counts
from imbalkit.testing import Setting
from imbalkit.testing.common import title

WIDTH = 7  # features


def check_stage(part: SolvedStage | TrainedStage, setting: Setting) -> None:
    """Every rule of kinds.SolvedStage or kinds.TrainedStage."""
    kinds = isinstance(part, SolvedStage), isinstance(part, TrainedStage)
    assert sum(kinds) == 1, f"{title(part)}: expected a subclass of either kinds.SolvedStage or kinds.TrainedStage"
    _check_head_after(part)
    if isinstance(part, TrainedStage):
        _check_trained(part, setting)
        return
    assert not part.needs_validation or part.needs_validation in type(part).model_fields, (
        f"{title(part)}: needs_validation must name the parameter that validation rows choose, got {part.needs_validation!r}"
    )
    for counts in (setting.counts, setting.counts[::-1], (6,) * len(setting.counts)):
        _check_solved(part, setting, counts)
    _check_prior_shift(part, setting)


def _linear() -> Head:
    part = default_catalogue().get("head", "linear")
    assert issubclass(part, Head)
    return part()


def _check_head_after(part: SolvedStage | TrainedStage) -> None:
    before = _linear()
    after = part.head_after(before)
    assert isinstance(after, Head), f"{title(part)}: head_after must return a head, got {type(after).__name__}"
    kept = after is before or part.makes_new_head
    assert kept, f"{title(part)}: head_after gives another head, so makes_new_head must be true"


def _context(setting: Setting, counts: tuple[int, ...]) -> BuildContext:
    return BuildContext(classes=setting.classes, counts=counts, seed=setting.seed)


def _rows(setting: Setting, counts: tuple[int, ...], name: str) -> FeatureRows:
    """Rows around a centre for each class, the same centres for every name."""
    centres = 2 * generator(setting.seed, "centres").normal(size=(len(counts), WIDTH))
    labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    features = centres[labels] + generator(setting.seed, name).normal(size=(len(labels), WIDTH))
    return FeatureRows(features.astype(np.float32), labels)


def _state(head: nn.Module) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().copy() for name, value in head.state_dict().items()}


def _check_solved(part: SolvedStage, setting: Setting, counts: tuple[int, ...]) -> None:
    who = f"{title(part)} on counts {counts}"
    refusal = part.check_counts(Counts.exact(setting.classes, counts))
    assert isinstance(refusal, str), f"{who}: check_counts must return a text, got {refusal!r}"
    if refusal:
        return
    context, before = _context(setting, counts), _linear()
    train, validation = _rows(setting, counts, "train"), _rows(setting, counts, "validation")
    if not part.needs_validation:
        none = FeatureRows(validation.features[:0], validation.labels[:0])
        _solve(f"{who}, without validation rows", part, train, none, before, context)
    solution = _solve(who, part, train, validation, before, context)
    again = _solve(who, part, train, validation, before, context)
    same = all(np.array_equal(value, again.state[name]) for name, value in solution.state.items())
    assert same, f"{who}: two calls with the same rows give different heads"


def _solve(
    who: str, part: SolvedStage, train: FeatureRows, validation: FeatureRows, before: Head, context: BuildContext
) -> Solution:
    """The solution, loaded into the head that the part says and tried there."""
    torch.manual_seed(context.seed)
    state = _state(before.build(context, WIDTH))
    given = [train.features.copy(), validation.features.copy(), *(value.copy() for value in state.values())]
    try:
        solution = part.solve(train, validation, state, context)
    except ImbalkitError as error:
        raise AssertionError(f"{who}: `solve` refuses rows that `check_counts` takes: {error}") from error
    assert isinstance(solution, Solution), f"{who}: `solve` must return a Solution, got {type(solution).__name__}"
    after = [train.features, validation.features, *state.values()]
    unchanged = all(np.array_equal(a, b) for a, b in zip(given, after, strict=True))
    assert unchanged, f"{who}: `solve` changed the arrays that it was given"
    try:
        json.dumps(dict(solution.facts), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{who}: facts must be ready for JSON: {error}") from error
    head = part.head_after(before).build(context, WIDTH)
    try:
        head.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in solution.state.items()})
    except (RuntimeError, TypeError) as error:
        raise AssertionError(f"{who}: the state does not fit the head that head_after builds: {error}") from error
    logits = head(torch.from_numpy(train.features))
    assert torch.isfinite(logits).all(), f"{who}: the head's logits are not finite"
    return solution


def _check_prior_shift(part: SolvedStage, setting: Setting) -> None:
    """What an exact stage says of the class prior: rows of one image get the shares of rows x factor."""
    counts = tuple(range(8, 8 + 4 * len(setting.classes), 4))
    context = _context(setting, counts)
    shift, who = part.prior_shift(context), title(part)
    assert isinstance(shift, PriorShift), f"{who}: prior_shift must return a PriorShift, got {type(shift).__name__}"
    assert shift.why.strip(), f"{who}: prior_shift must say why"
    assert shift.factors is None or len(shift.factors) == len(counts), f"{who}: prior_shift must have a factor a class"
    if not shift.exact:
        return
    assert shift.factors is not None, f"{who}: prior_shift says exact, without factors"
    labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    rows = FeatureRows(np.ones((len(labels), WIDTH), dtype=np.float32), labels)
    before = _linear()
    solution = part.solve(rows, rows, _state(before.build(context, WIDTH)), context)
    head = part.head_after(before).build(context, WIDTH)
    head.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in solution.state.items()})
    found = head.double()(torch.ones(1, WIDTH, dtype=torch.float64)).softmax(dim=1)[0].detach().numpy()
    expected = np.array(counts) * np.array(shift.factors)
    expected = expected / expected.sum()
    assert np.allclose(found, expected, atol=0.01), (
        f"{who}: prior_shift says exact with factors {shift.factors}, but rows of one image get shares {found}, not {expected}"
    )


def _check_trained(part: TrainedStage, setting: Setting) -> None:
    who, context = title(part), _context(setting, setting.counts)
    head = part.head_after(_linear()).build(context, WIDTH)
    names = {name: value.shape for name, value in head.state_dict().items()}
    features = torch.from_numpy(_rows(setting, setting.counts, "train").features)
    trained = part.head_to_train(head)
    logits = trained(features)
    shape = [len(features), len(setting.classes)]
    assert list(logits.shape) == shape, f"{who}: head_to_train must give logits {shape}, got {list(logits.shape)}"
    logits[:, 0].sum().backward()
    learning = [value for value in trained.parameters() if value.requires_grad and value.grad is not None]
    assert learning or part.trains_body, f"{who}: no parameter of what head_to_train gives learns"
    with torch.no_grad():
        for value in learning:
            value.add_(0.1 * torch.ones_like(value))
        expected = trained.eval()(features)
        after = part.head_trained(trained)
        found = {name: value.shape for name, value in after.state_dict().items()}
        assert found == names, f"{who}: head_trained must give the head again: expected parameters {names}, got {found}"
        same = torch.allclose(after.eval()(features), expected, rtol=1e-4, atol=1e-4)
        assert same, f"{who}: head_trained gives other logits than what was trained"
