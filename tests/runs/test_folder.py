"""Names and logs of runs."""

from imbalkit.runs import folder as run_folder


def test_a_log_line_cut_short_costs_that_line_alone(tmp_path):
    run_folder.append_log(tmp_path, {"stage": "final", "epoch": 1})
    with (tmp_path / run_folder.LOG).open("a") as log:
        log.write('{"stage": "final", "epo')
    run_folder.append_log(tmp_path, {"stage": "final", "epoch": 2})
    run_folder.append_log(tmp_path, {"stage": "final", "epoch": 2, "again": True})
    entries = run_folder.read_log(tmp_path)
    assert [entry["epoch"] for entry in entries] == [1, 2]
    assert entries[1]["again"]
