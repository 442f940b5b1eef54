import pytest
from imbalkit_mine import Mine

from imbalkit.kinds import DataError
from imbalkit.testing import check_part
from imbalkit_lite.opening import read_file


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine)


def test_a_path_leads_into_it(tmp_path):
    place, _ = Mine().example(tmp_path, {"a.jpg": b"first", "b.jpg": b"second"})
    assert read_file(f"{place}!b.jpg")[0] == b"second"
    with pytest.raises(DataError, match="holds no 'c.jpg'"):
        read_file(f"{place}!c.jpg")
