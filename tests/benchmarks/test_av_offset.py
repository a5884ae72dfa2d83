from benchmarks.av_offset import judge
from benchmarks.report import Report
from tests.live.flashing import Trial


def judged(errors_ms: list[float], failures: list[str]) -> Report:
    report = Report("camera against microphone")
    found = [Trial(found_ms=50.0 + error, truth_ms=50.0, said="") for error in errors_ms]
    judge(report, found, failures)
    return report


def test_all_must_be_right() -> None:
    assert judged([1.0, -9.9, 10.0], []).is_met
    wrong = judged([1.0, -10.1], [])
    assert not wrong.is_met
    assert "1 of 2" in wrong.table()


def test_what_was_not_found_counts_and_is_told() -> None:
    report = judged([1.0], ["for 20 s: clap\nerror: nothing was seen\n"])
    assert not report.is_met
    assert "1 of 2" in report.table()
    assert "error: nothing was seen" in report.table()
    assert not judged([], ["error: nothing"]).is_met
