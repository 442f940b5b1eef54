"""Rows that must stay in one split, as patients, lesions, names or known duplicates link them."""

from __future__ import annotations

import numpy as np
import pandas as pd


def linked(rows: pd.DataFrame, pairs: np.ndarray) -> np.ndarray:
    """A number for each row, the same for rows that a chain of links joins, int64 [n].

    Args:
        rows: columns whose rows of one value are linked; missing values link nothing
        pairs: names of `isic_id` that are linked, [m, 2]; names that no row has are ignored
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # A graph of rows and values: a row is joined to each of its values.
    starts, ends, size = [], [], len(rows)
    for column in rows:
        codes, values = pd.factorize(rows[column])
        known = np.flatnonzero(codes >= 0)
        starts.append(known)
        ends.append(size + codes[known])
        if column == "isic_id" and len(pairs):
            places = pd.Index(values).get_indexer(pairs.ravel()).reshape(-1, 2)
            places = places[(places >= 0).all(axis=1)]
            starts.append(size + places[:, 0])
            ends.append(size + places[:, 1])
        size += len(values)
    edges = (np.concatenate(starts), np.concatenate(ends))
    graph = coo_array((np.ones(len(edges[0]), dtype=np.int8), edges), shape=(size, size))
    return connected_components(graph, directed=False)[1][: len(rows)].astype(np.int64)


def groups(rows: pd.DataFrame, pairs: np.ndarray) -> pd.Series:
    """The group of each row, named by the first of its patients and lesions by alphabet, else of its images.

    A row without patient and lesion that nothing is linked to has none: it is a group of its own.
    """
    code = linked(rows[["isic_id", "patient_id", "lesion_id"]], pairs)
    names = pd.concat(
        [pd.Series(rows[column].to_numpy(), index=code) for column in ("patient_id", "lesion_id")]
    ).dropna()
    codes = pd.Series(code)
    named = codes.map(_first(names)).astype(object)
    images = codes.map(_first(pd.Series(rows["isic_id"].to_numpy(), index=code))).astype(object)
    return named.where(named.notna(), images.where(codes.duplicated(keep=False), None))


def _first(names: pd.Series) -> pd.Series:
    """The first name by alphabet of each index value."""
    names = names.sort_values()
    return names[~names.index.duplicated()]
