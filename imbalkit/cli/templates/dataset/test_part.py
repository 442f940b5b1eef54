from imbalkit_mine import Mine

from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine, rows=60)


def test_one_picture_in_ten_has_a_spot():
    table = Mine(rows=200).load()
    assert (table.frame["label"] == "spot").sum() == 20
    spots = table.frame["label"] == "spot"
    assert table.arrays[spots].max(axis=(1, 2, 3)).min() > table.arrays[~spots].max()
