"""Every part of the catalogue keeps the rules of its kind; see tests/testing for what the checks catch."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.catalogue import default_catalogue
from imbalkit.errors import MissingExtraError
from imbalkit.kinds import KINDS
from imbalkit.testing import Setting, check_part
from imbalkit.testing.common import check_light_import
from tests.melanoma.isic_2024_files import write_isic_2024

FLIP_AND_BLUR = ["horizontal_flip", "radial_blur"]
ROUNDS = {"which": "highest", "warm_start": True}

# Parameters to check a part with (and the checks' `setting`), where defaults are not enough: (kind, name) -> examples.
EXAMPLES: dict[tuple[str, str], list[dict]] = {
    ("op", "rotate90"): [{"degrees": 90}, {"degrees": -90}, {"degrees": 180}],
    ("op", "radial_blur"): [{}, {"axes": "independent", "centre": "paper", "border": "zero"}, {"method": "composed"}],
    ("op", "gaussian_blur"): [{"sigma": [0.5, 2.0]}, {"match_rho": [0.005, 0.02]}],
    ("sampler", "random_over"): [{}, {"to": 60}, {"to": {"malignant": 9}}],
    ("sampler", "random_under"): [{}, {"to": 20}, {"to": {"benign": 12}}],
    ("sampler", "oversample"): [
        {"views": {"benign": [FLIP_AND_BLUR], "malignant": [[{"name": "rotate90", "degrees": 90}], FLIP_AND_BLUR]}},
        {"views": {"malignant": [FLIP_AND_BLUR, []]}, "to": {"malignant": 25}},
    ],
    **{
        ("sampler", name): [
            {"drop": 8, "rounds": 3, **ROUNDS},
            {"keep": [{"benign": 30}, 20], **ROUNDS},
            {"classes": "all", "drop": [10, 5], **ROUNDS, "which": "lowest"},
            {"classes": "all", "keep": 12, **ROUNDS},
            {"classes": ["benign", "malignant"], "drop": 4, **ROUNDS, "warm_start": False},
        ]
        for name in ("loss_rank", "random_drop")
    },
    ("sampler", "tomek_links"): [{}, {"sampling_strategy": "all"}, {"sampling_strategy": ["malignant"]}],
    ("sampler", "edited_nearest_neighbours"): [
        {},
        {"n_neighbors": 1, "kind_sel": "mode"},
        {"sampling_strategy": "majority", "kind_sel": "mode"},
    ],
    ("sampler", "near_miss"): [
        {},
        {"sampling_strategy": 20, "version": 2},
        {"sampling_strategy": {"benign": 12}, "version": 3},
        {"version": 3, "n_neighbors": 1},
    ],
    ("sampler", "imblearn"): [
        {"sampler": "TomekLinks", "options": {"sampling_strategy": ["benign"]}},
        {"sampler": "RandomOverSampler", "options": {"sampling_strategy": "not majority"}},
        {"sampler": "RandomUnderSampler"},
        {"sampler": "RandomUnderSampler", "options": {"sampling_strategy": {"benign": 9}, "replacement": True}},
        {"sampler": "OneSidedSelection"},
        {"sampler": "CondensedNearestNeighbour"},
        {"sampler": "InstanceHardnessThreshold", "options": {"cv": 2}},
        {"sampler": "NearMiss", "options": {"version": 3}},
        {"sampler": "NeighbourhoodCleaningRule"},
        {"sampler": "AllKNN", "options": {"kind_sel": "mode"}},
        {"sampler": "RepeatedEditedNearestNeighbours"},
        {"sampler": "SMOTE", "options": {"sampling_strategy": {"malignant": 20}}},
        *({"sampler": name} for name in ("ADASYN", "BorderlineSMOTE", "SVMSMOTE", "SMOTEENN", "SMOTETomek")),
        {"sampler": "ClusterCentroids"},
        {"sampler": "RandomOverSampler", "options": {"shrinkage": 0.5}},
    ],
    ("loss", "ce"): [{}, {"label_smoothing": 0.1}, {"label_smoothing": {"benign": 0.3}}],
    ("loss", "weighted_ce"): [
        {"weights": {"malignant": 9.0}, "label_smoothing": smoothing} for smoothing in (0.0, 0.1)
    ],
    ("loss", "inverse_ce"): [{}, {"label_smoothing": {"benign": 0.3, "malignant": 0.1}}],
    ("loss", "ldam"): [{}, {"beta": 0.9999, "margin": 0.3}],
    ("loss", "logit_adjusted"): [{}, {"tau": 0.0}, {"tau": 2.0}],
    ("loss", "vs"): [{}, {"tau": 0.0, "gamma": 0.2}, {"warm_up": 0.5}],
    ("loss", "class_balanced"): [
        {},
        {"beta": 0.9, "gamma": 2.0},
        {"power": 0.5, "scale": "classes"},
        {"beta": 0.0},
        {"scale": "batch"},
        {"beta": 0.0, "scale": "batch"},
    ],
    ("loss", "label_aware_smoothing"): [{"shape": shape} for shape in ("concave", "linear", "convex")],
    ("loss", "pairwise_auc"): [{}, {"surrogate": "logistic"}],
    ("loss", "partial_auc"): [{"side": "low_fpr"}, {"side": "high_tpr", "surrogate": "logistic", "share": 0.5}],
    ("loss", "top_k"): [{}, {"share": 0.25}, {"share": 1.0}],
    ("loss", "distill"): [
        {"teacher": "runs/teacher"},
        {"teacher": "runs/teacher", "weight": 1.0, "temperature": 1.0},
        {"teacher": "runs/teacher", "loss": {"name": "weighted_ce", "weights": {"malignant": 9.0}}},
        {"teacher": "runs/teacher", "loss": "focal", "members": "same_split"},
        {"teacher": "runs/teacher", "loss": {"name": "vs", "gamma": 0.2}, "weight": 0.0},
    ],
    ("loss", "poly1"): [{}, {"epsilon": -1.0}],
    ("loss", "rce"): [{"estimator": name} for name in ("batch", "ema", "epoch")],
    ("loss", "gamma_rce"): [{"costs": {"malignant": 100.0}}, {"costs": {"benign": 2.0}, "estimator": "ema"}],
    ("loss", "focal"): [{}, {"gamma": 0.0, "alpha": {"malignant": 5.0}}, {"gamma": 4.0, "alpha": {"malignant": 5.0}}],
    ("order", "power"): [{}, {"q": -1.0}],
    ("mixer", "cmo"): [{}, {"order": {"name": "power", "q": -0.5}}],
    ("threshold", "target_recall"): [{}, {"recall": 0.5, "confidence": 0.9}],
    ("threshold", "best_f"): [{}, {"beta": 2.0}],
    ("threshold", "logit_adjustment"): [{}, {"tau": 1.5}, {"by": "macro_f1"}],
    ("threshold", "cost"): [
        {"ratio": 10.0},
        {"ratio": 10.0, "by": "probabilities"},
        {"costs": {"malignant": {"benign": 10.0}, "benign": {"malignant": 2.0}}},
    ],
    ("stage", "retrain"): [
        {},
        {"body": "trained", "head": "kept"},
        {"head": {"name": "cosine"}, "batch_norm": "moving"},
    ],
    ("stage", "learnable_weight_scaling"): [{}, {"train_head": True}],
    ("stage", "tau_normalisation"): [{}, {"tau": 0.7}],
    ("stage", "nearest_class_mean"): [{}, {"distance": "cosine"}],
    ("stage", "logistic_regression"): [{"correction": name} for name in ("logit_adjusted", "balanced", "none")],
    ("stage", "imblearn"): [
        {"sampler": "SMOTE"},
        {"sampler": "SMOTETomek"},
        {"sampler": "TomekLinks", "options": {"sampling_strategy": ["benign"]}},
        {"sampler": "ClusterCentroids", "penalty": 10.0},
        {"sampler": "BorderlineSMOTE", "options": {"k_neighbors": 3}},
        {"sampler": "RandomOverSampler", "options": {"shrinkage": 1.0}},
    ],
    ("augmentation", "kornia"): [{"transform": "RandomRotation", "options": {"degrees": 10.0}}],
    ("backbone", "mlp"): [
        {},
        {"hidden": [16], "norm": "batch", "activation": "gelu", "dropout": 0.0},
        {"norm": "layer"},
    ],
    ("backbone", "resnet32"): [{"depth": 20}],
    ("backbone", "timm"): [{"model": "efficientnet_lite0", "setting": Setting(image_size=(64, 64))}],
}


def cases():
    catalogue = default_catalogue()
    for kind in catalogue.kinds():
        for name in catalogue.names(kind):
            if catalogue.provider(kind, name).distribution != "imbalkit":
                continue  # a third party's parts are checked by its own tests
            for index, example in enumerate(EXAMPLES.get((kind, name), [{}])):
                marks = [pytest.mark.slow] if kind == "exporter" else []  # converters
                yield pytest.param(catalogue.get(kind, name), example, id=f"{kind}-{name}-{index}", marks=marks)


def image_folder(folder):
    """Five grey pictures in two class folders."""
    from PIL import Image

    for name, count in {"benign": 3, "malignant": 2}.items():
        (folder / name).mkdir()
        for index in range(count):
            Image.fromarray(np.full((8, 8, 3), index, dtype=np.uint8)).save(folder / name / f"{index}.png")
    return {"root": str(folder)}


def table(folder):
    """A CSV of those pictures."""
    root = image_folder(folder)["root"]
    rows = [
        f"{name}/{index}.png,{name}" for name, count in {"benign": 3, "malignant": 2}.items() for index in range(count)
    ]
    (folder / "table.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    return {"file": f"{root}/table.csv"}


def arrays(folder):
    """Six grey pictures as arrays."""
    np.savez(folder / "data.npz", x=np.zeros((6, 8, 8, 3), dtype=np.uint8), y=np.arange(6) % 2)
    return {"file": str(folder / "data.npz")}


def features(folder):
    """A CSV of two columns and a label."""
    (folder / "features.csv").write_text("age,site,label\n50,arm,ill\n,leg,well\n70,arm,well\n")
    return {"file": str(folder / "features.csv")}


def isic_tables(folder):
    """The official tables of ISIC in small, without images."""
    tables = {
        "ISIC_2020_Training_GroundTruth.csv": [
            "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target",
            *(f"ISIC_{n},IP_{n % 3},male,45.0,torso,unknown,benign,{int(n == 4)}" for n in range(5)),
        ],
        "ISIC_2019_Training_GroundTruth.csv": [
            "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK",
            "ISIC_5_downsampled,1,0,0,0,0,0,0,0,0",
            "ISIC_6,0,1,0,0,0,0,0,0,0",
        ],
        "ISIC_2019_Training_Metadata.csv": [
            "image,age_approx,anatom_site_general,lesion_id,sex",
            "ISIC_5_downsampled,55.0,,,female",
            "ISIC_6,30.0,head/neck,BCN_1,male",
        ],
        "HAM10000_metadata.csv": [
            "lesion_id,image_id,dx,dx_type,age,sex,localization",
            "HAM_1,ISIC_7,mel,histo,80.0,male,scalp",
            "HAM_2,ISIC_8,nv,histo,,unknown,back",
        ],
        "ISIC_2020_Training_Duplicates.csv": ["image_name_1,image_name_2", "ISIC_0,ISIC_3"],
    }
    for name, lines in tables.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return {"tables": str(folder), "clean": ["official_duplicates", "conflicting_labels"]}


# Parts that read files: (kind, name) -> a function from an empty folder to the parameters.
def isic_2024(folder):
    pytest.importorskip("h5py")
    return {"tables": str(write_isic_2024(folder))}


FILES = {
    ("dataset", "image_folder"): image_folder,
    ("dataset", "table"): table,
    ("dataset", "arrays"): arrays,
    ("dataset", "features"): features,
    ("dataset", "isic_2024"): isic_2024,
    **{("dataset", name): isic_tables for name in ("isic_2019", "isic_2020", "isic_merge", "ham10000")},
}


@pytest.mark.parametrize("part, example", list(cases()))
def test_part(part, example, tmp_path):
    if (part.kind, part.name) in FILES:
        example = FILES[part.kind, part.name](tmp_path)
    try:
        check_part(part, **example)
    except MissingExtraError as error:
        pytest.skip(str(error))


def test_examples_are_of_parts_that_exist():
    catalogue = default_catalogue()
    known = {(kind, name) for kind in catalogue.kinds() for name in catalogue.names(kind)}
    assert set(EXAMPLES) | set(FILES) <= known


def test_every_kind_has_parts_and_checks():
    from imbalkit import testing

    assert set(testing._MODULES) == set(KINDS)
    catalogue = default_catalogue()
    assert [kind for kind in catalogue.kinds() if not catalogue.names(kind)] == []


def test_listing_the_catalogue_imports_nothing_heavy():
    check_light_import(
        "imbalkit.builtin",
        *(f"imbalkit.builtin.{kind}{'es' if kind.endswith('s') else 's'}" for kind in KINDS),
    )
