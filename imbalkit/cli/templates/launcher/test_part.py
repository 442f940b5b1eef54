import sys
import time

from imbalkit_mine import Mine

from imbalkit.kinds import Work
from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine, jobs=2)


def test_pieces_are_nice(tmp_path):
    log = tmp_path / "log.txt"
    with Mine().open(tmp_path) as session:
        code = "import os; print(os.nice(0))"
        id = session.submit(Work("priority", (sys.executable, "-c", code), str(tmp_path), log=str(log)))
        while session.poll(id) == "running":
            time.sleep(0.05)
    assert int(log.read_text()) > 0
