from __future__ import annotations

from html.parser import HTMLParser

from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.run import Failure, State, StepRun
from mlstack_nb.notebook.badge import MIME, Badge

MODEL = Artifact("model", "sklearn.ensemble._gb.GradientBoostingClassifier", "m:M", "d" * 64, 143_210)
FRAME = Artifact("raw", "pandas.core.frame.DataFrame", "m:M", "e" * 64, 1_500, metadata={"shape": [569, 31]})


def ended(state: State, **facts: object) -> StepRun:
    return StepRun(**{"run_id": "r", "step": "train", "state": state, "started_at": 10.0, "ended_at": 11.2, **facts})  # type: ignore[arg-type]


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_step_that_ran_says_its_time_and_each_output_with_type_and_bytes() -> None:
    badge = Badge(ended(State.COMPLETED, outputs={"model": MODEL}))
    assert badge.text() == "step train · ran in 1.2 s · model GradientBoostingClassifier 143 kB"


def test_a_cached_step_says_the_time_it_saved() -> None:
    assert Badge(ended(State.CACHED, saved_s=1.2)).text() == "step train · cached, saved 1.2 s"


def test_an_output_with_a_shape_shows_it() -> None:
    badge = Badge(ended(State.COMPLETED, outputs={"raw": FRAME}))
    assert "raw DataFrame 569\N{MULTIPLICATION SIGN}31 1.5 kB" in badge.text()


def test_an_output_is_named_as_in_the_cell_whatever_its_artifact_is_called() -> None:
    badge = Badge(ended(State.COMPLETED, outputs={"clf": MODEL}))
    assert "clf GradientBoostingClassifier" in badge.text()
    assert badge.data()["outputs"][0]["artifact"] == "model"


def test_a_failed_step_says_why_on_one_line() -> None:
    failure = Failure("builtins.ValueError", "first\nsecond")
    assert Badge(ended(State.FAILED, failure=failure)).text().endswith("ValueError: first second")


def test_a_step_cancelled_before_it_began_names_no_time() -> None:
    assert Badge(ended(State.CANCELLED, started_at=0.0)).text() == "step train · cancelled, nothing was stored"


def test_a_retry_and_the_trackers_run_are_told() -> None:
    run = ended(State.COMPLETED, attempt=2, tracker={"name": "mlflow", "run_id": "abc", "url": ""})
    assert Badge(run).text().endswith("attempt 2 · mlflow run abc")


def test_what_a_notebook_names_is_escaped_in_html() -> None:
    hostile = Artifact("<script>alert(1)</script>", "a.<img src=x>", "m:M", "d", 1)
    failure = Failure("E", "<b onclick='x()'>&")
    run = ended(State.FAILED, step="<script>x</script>", outputs={"<i>": hostile}, failure=failure, key='"><script>')
    found = Tags(Badge(run).html())
    assert set(found.tags) == {"div", "span", "b"}
    assert "<script>x</script>" in found.words


def test_every_state_has_text_beside_its_colour() -> None:
    texts = {Badge(ended(state)).text() for state in State}
    assert len(texts) == len(State)


def test_the_bundle_has_text_html_and_data() -> None:
    bundle = Badge(ended(State.COMPLETED, outputs={"raw": FRAME}))._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", MIME}
    assert bundle[MIME]["state"] == "completed"
    assert bundle[MIME]["outputs"][0]["size_bytes"] == 1500


def test_the_hint_of_an_error_is_left_to_the_error() -> None:
    failure = Failure("MissingOutputError", "Nothing is 'z'.\n  -> Assign 'z'.")
    assert Badge(ended(State.FAILED, failure=failure)).text().endswith("Nothing is 'z'.")
