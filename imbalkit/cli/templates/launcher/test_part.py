import sys
import time

from imbalkit_mine import Mine

from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine, at_once=2)


def test_two_run_at_once():
    sleep = [sys.executable, "-c", "import time; time.sleep(1)"]
    before = time.monotonic()
    assert Mine(at_once=4).launch([sleep] * 4) == [0] * 4
    assert time.monotonic() - before < 4
