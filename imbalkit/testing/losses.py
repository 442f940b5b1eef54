"""Checks of losses and scores: finite, differentiable, for any number of classes and any batch."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import torch

from imbalkit.errors import ImbalkitError
from imbalkit.kinds import BuildContext, Loss, PriorShift, Score
from imbalkit.testing import Setting
from imbalkit.testing.common import check_module, title


def _taught(module: Any, teacher: torch.Tensor) -> dict[str, torch.Tensor]:
    """The argument of a loss that has a teacher, who has these logits [n, C]."""
    return {"teacher": teacher} if getattr(module, "needs_teacher", False) else {}


def _teacher(logits: torch.Tensor) -> torch.Tensor:
    """Logits of a teacher who knows something else."""
    return logits.detach().float().flip(0).roll(1, 1)


def _contexts(setting: Setting) -> list[BuildContext]:
    own = len(setting.classes)
    result = [BuildContext(setting.classes, setting.counts, positive=1 if own == 2 else None, seed=setting.seed)]
    for extra in (1, 8):
        names = tuple(f"other_{index}" for index in range(extra))
        result.append(
            BuildContext(setting.classes + names, setting.counts + tuple(range(1, extra + 1)), seed=setting.seed)
        )
    return result


def _batches(classes: int, setting: Setting) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    rng = torch.Generator().manual_seed(setting.seed)
    logits = torch.randn(12, classes, generator=rng)
    targets = torch.arange(12) % classes
    last = classes - 1
    return {
        "a mixed batch": (logits, targets),
        "one row": (logits[:1], targets[:1]),
        "rows of one class only": (logits[:5], torch.full((5,), last)),
        "a batch without the last class": (logits, torch.arange(12) % last),
        "a batch that is all right": (torch.eye(classes)[targets] * 30, targets),
        "a batch that is all wrong": (torch.eye(classes)[(targets + 1) % classes] * 30, targets),
        "bfloat16 logits": (logits.bfloat16(), targets),
    }


def check_loss(part: Loss, setting: Setting) -> None:
    """Every rule of kinds.Loss."""
    contexts = _contexts(setting)
    for index, context in enumerate(contexts):
        who = f"{title(part)} with {len(context.classes)} classes"
        try:
            module = part.build(context)
        except ImbalkitError:
            # A loss for two classes only may say so.
            assert index, f"{who}: refuses the checks' classes {context.classes}; give a setting"
            continue
        check_module(part, module)
        for what, (logits, targets) in _batches(len(context.classes), setting).items():
            _check_batch(f"{who}, {what}", part.build(context), logits, targets, part.by_row)
        _check_state(who, part, context, setting)
        _check_by_row(who, part, context, setting)
        _check_extras(who, part, context, setting)
        _check_shift(who, part, context)
    empty = BuildContext(setting.classes, (*setting.counts[:-1], 0), contexts[0].positive, seed=setting.seed)
    _check_batch(
        f"{title(part)}, a class without training rows",
        part.build(empty),
        *_batches(len(setting.classes), setting)["a mixed batch"],
    )


def _check_batch(
    who: str, module: torch.nn.Module, logits: torch.Tensor, targets: torch.Tensor, by_row: bool = True
) -> None:
    logits = logits.clone().requires_grad_()
    given, labels = logits.detach().clone(), targets.clone()
    module.train()
    value = module(logits, targets, **_taught(module, _teacher(logits)))
    assert isinstance(value, torch.Tensor), f"{who}: expected a tensor, got {type(value).__name__}"
    shapes = [[], [len(targets)]]
    assert list(value.shape) in shapes, f"{who}: expected a loss a row {shapes[1]} or a scalar, got {list(value.shape)}"
    assert value.is_floating_point(), f"{who}: expected floating point, got {value.dtype}"
    assert torch.isfinite(value).all(), f"{who}: the loss is not finite: {value.detach().flatten()[:4].tolist()}"
    assert value.requires_grad, f"{who}: no gradient flows from the loss to the logits (detached, or argmax?)"
    (gradient,) = torch.autograd.grad(value.mean(), logits)
    assert torch.isfinite(gradient).all(), f"{who}: the gradient is not finite"
    comparable = by_row or len(targets.unique()) > 1  # rows of one class have no others to be ranked above
    if comparable and "all right" not in who:
        assert gradient.abs().sum() > 0, f"{who}: the gradient is 0 everywhere, so nothing would be learnt"
    same = torch.equal(given, logits.detach()) and torch.equal(labels, targets)
    assert same, f"{who}: the module changed the logits or targets it was given"


def _check_state(who: str, part: Loss, context: BuildContext, setting: Setting) -> None:
    logits, targets = _batches(len(context.classes), setting)["a mixed batch"]
    module = part.build(context).train()
    more = _taught(module, _teacher(logits))
    for _ in range(2):
        module(logits, targets, **more)
    module.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    value = module(logits, targets, **more)
    for name, old in before.items():
        assert torch.equal(old, module.state_dict()[name]), f"{who}: {name!r} changes in eval mode"
    again = part.build(context)
    again.load_state_dict(before)
    same = torch.equal(value, again.eval()(logits, targets, **more))
    assert same, f"{who}: state_dict() loaded into a new module gives another loss; keep state in buffers"
    if value.ndim:
        order = torch.arange(len(targets)).flip(0)
        more = {name: given[order] for name, given in more.items()}
        assert torch.allclose(module(logits[order], targets[order], **more), value[order], rtol=1e-4, atol=1e-6), (
            f"{who}: in another order the rows have other losses"
        )


def _check_by_row(who: str, part: Loss, context: BuildContext, setting: Setting) -> None:
    if not part.by_row or getattr(part.build(context), "needs_features", False):
        return
    logits, targets = _batches(len(context.classes), setting)["a mixed batch"]
    module = part.build(context).eval()
    more = _taught(module, _teacher(logits))
    rows = [slice(row, row + 1) for row in range(len(targets))]
    one = [module(logits[row], targets[row], **{name: given[row] for name, given in more.items()}) for row in rows]
    alone = torch.stack([value.mean() for value in one])
    together = module(logits, targets, **more)
    assert torch.allclose(together, alone if together.ndim else alone.mean(), rtol=1e-4, atol=1e-6), (
        f"{who}: the loss of a row depends on the rows beside it: say `by_row = False`"
    )


def _check_first_epoch(
    who: str, part: Loss, context: BuildContext, logits: torch.Tensor, targets: torch.Tensor
) -> None:
    """A loss of an exact prior shift is one and the same from its `first_epoch` to the last one."""
    context = replace(context, epochs=10)
    first, last = part.first_epoch(context.epochs), context.epochs - 1
    assert 0 <= first <= last, f"{who}: first_epoch({context.epochs}) must be 0 to {last}, got {first}"
    if not part.prior_shift(context).exact:
        return
    found = []
    for epoch in (first, last):
        module: Any = part.build(context).train()
        module.epoch_started(epoch)
        found.append(module(logits, targets, **_taught(module, _teacher(logits))))
    assert torch.allclose(found[0], found[1], rtol=1e-4, atol=1e-6), (
        f"{who}: is another loss in epoch {first} than in epoch {last}, so that `prior_shift` holds of a part of them: say from "
        "which one on with `first_epoch`, or `exact=False`"
    )


def _check_extras(who: str, part: Loss, context: BuildContext, setting: Setting) -> None:
    logits, targets = _batches(len(context.classes), setting)["a mixed batch"]
    module: Any = part.build(context).train()
    if hasattr(module, "epoch_started"):
        _call(who, "epoch_started", module.epoch_started, 0)
        _check_first_epoch(who, part, context, logits, targets)
    if hasattr(module, "statistics"):
        whole = module.statistics(logits, targets)
        halves = module.statistics(logits[:5], targets[:5]) + module.statistics(logits[5:], targets[5:])
        assert torch.allclose(whole.double(), halves.double()), f"{who}: `statistics` of two halves do not add up"
        value = module(logits, targets, statistics=whole)
        assert torch.isfinite(value).all(), f"{who}: the loss with `statistics=` is not finite"
    module(logits, targets, **_taught(module, _teacher(logits)))
    if hasattr(module, "class_weights"):
        weights = module.class_weights()
        shape = [len(context.classes)]
        assert list(weights.shape) == shape, f"{who}: class_weights() must be {shape}, got {list(weights.shape)}"
        assert torch.isfinite(weights).all(), f"{who}: class_weights() are not finite: {weights.tolist()}"
    if hasattr(module, "epoch_finished"):
        _call(who, "epoch_finished", module.epoch_finished)
    notes = part.notes(context.classes, tuple(map(float, context.counts)), context.positive)
    right = isinstance(notes, list) and all(isinstance(note, str) and note.strip() for note in notes)
    assert right, f"{who}: notes() must return a list of sentences, got {notes!r}"


def _call(who: str, name: str, method: Any, *arguments: Any) -> None:
    try:
        method(*arguments)
    except Exception as error:
        raise AssertionError(f"{who}: `{name}` failed: {type(error).__name__}: {error}") from error


def _check_shift(who: str, part: Loss, context: BuildContext) -> None:
    """What the loss says of the class prior is what it wants to learn.

    For rows of one image, the logits at which an exact one is least are ln(rows x factor) of each class, or those that its map
    makes that: its gradient there is 0. A teacher who knows the rows and the factors changes nothing of that.
    """
    shift, classes = part.prior_shift(context), len(context.classes)
    assert isinstance(shift, PriorShift), f"{who}: prior_shift must return a PriorShift, got {type(shift).__name__}"
    assert shift.why.strip(), f"{who}: prior_shift must say why"
    assert shift.factors is None or len(shift.factors) == classes, (
        f"{who}: prior_shift must have a factor for each of {classes} classes, got {shift.factors}"
    )
    if not shift.exact:
        return
    assert shift.factors is not None, f"{who}: prior_shift says exact, without factors"
    factors, rows = torch.tensor(shift.factors), torch.arange(2, classes + 2)
    module, targets = part.build(context).train(), torch.repeat_interleave(torch.arange(classes), rows)

    def slope(logits: torch.Tensor) -> float:
        logits = logits.requires_grad_()
        more = _taught(module, right.expand(len(targets), classes))
        value = module(logits.expand(len(targets), classes), targets, **more).mean()
        return float(torch.autograd.grad(value, logits)[0].abs().max())

    right = (rows * factors).clamp_min(1e-30).log()[None]  # which a teacher says who is right
    learnt, how = right.clone(), f"factors {shift.factors}"
    if shift.map is not None:
        how += f" and the map {shift.map}"
        learnt = _before(_checked_map(who, part, shift, classes), learnt.double(), f"{who}: the map {shift.map}")
    off = torch.zeros(1, classes).index_fill_(1, torch.tensor([0]), 3.0)
    assert slope(learnt.float()) <= 1e-4 * slope(learnt.float() + off), (
        f"{who}: prior_shift says exact with {how}, but the loss is not least where they lead"
    )


def _checked_map(who: str, part: Loss, shift: PriorShift, classes: int) -> torch.nn.Module:
    """A loss's map from values that went through JSON: finite, the same in float32, a row at a time."""
    try:
        values = json.loads(json.dumps(dict(shift.map or {}), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{who}: the map of prior_shift must be plain values, got {shift.map!r}") from error
    module = part.build_map(values).eval().double()
    rows = torch.randn(6, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 4
    far = torch.eye(classes, dtype=torch.float64) * 500
    with torch.no_grad():
        for what, logits in (("usual logits", rows), ("logits of 500", far), ("logits of -500", -far)):
            mapped = module(logits)
            assert mapped.shape == logits.shape, f"{who}: the map must give {[*logits.shape]}, got {[*mapped.shape]}"
            assert torch.isfinite(mapped).all(), f"{who}: the map of {what} is not finite: {mapped[0].tolist()}"
        mapped = module(rows)
        assert torch.allclose(module(rows[2:3]), mapped[2:3]), f"{who}: the map of a row depends on the rows beside it"
        single = part.build_map(values).eval().float()(rows.float()).double()
        apart = float((single.softmax(1) - mapped.softmax(1)).abs().max())
    assert apart < 1e-5, f"{who}: the map in float32 differs by {apart:.2g} in probability from that in float64"
    return module


def _before(module: torch.nn.Module, mapped: torch.Tensor, what: str) -> torch.Tensor:
    """The logits [1, C] of which a map makes `mapped`, up to a constant."""
    logits, chances = mapped.clone().requires_grad_(), mapped.softmax(1)
    optimiser = torch.optim.LBFGS(
        [logits], max_iter=1000, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def step() -> torch.Tensor:
        optimiser.zero_grad()
        apart = -(chances * module(logits).log_softmax(1)).sum()
        apart.backward()
        return apart

    optimiser.step(step)
    found = module(logits).softmax(1)
    assert torch.allclose(found, chances, rtol=1e-4, atol=1e-7), (
        f"{what} gives the chances {chances[0].tolist()} of no logits: it must be invertible"
    )
    return logits.detach()


def check_score(part: Score, setting: Setting) -> None:
    """Every rule of kinds.Score."""
    for context in _contexts(setting):
        who = f"{title(part)} with {len(context.classes)} classes"
        score = part.build(context)
        for what, (logits, targets) in _batches(len(context.classes), setting).items():
            given = logits.clone()
            values = score(logits, targets)
            shape = [len(targets)]
            assert list(values.shape) == shape, (
                f"{who}, {what}: expected a score a row {shape}, got {list(values.shape)}"
            )
            assert torch.isfinite(values).all(), f"{who}, {what}: scores are not finite"
            assert torch.equal(given, logits), f"{who}, {what}: the score changed the logits it was given"
            alone = torch.cat([score(logits[i : i + 1], targets[i : i + 1]) for i in range(len(targets))])
            same = torch.allclose(alone.float(), values.float(), rtol=1e-4, atol=1e-6)
            assert same, f"{who}, {what}: the score of a row depends on the rows beside it"
