"""Which sentences are quoted, where several could be: the rules, one by one."""

from time import process_time

import pytest

from agents.models.extractive.answer import CREDIT, compose
from agents.models.extractive.units import Kind, units
from agents.models.extractive.words import near, stem, terms
from tests.agents.unit.passages import found

ECHO = """```sh
tool create robot.yaml
tool run robot "What happens when Redis dies?"
```
"""
SURVIVAL = """| dies | what watchers see |
|---|---|
| the hub | clients come back |
| Redis | events arrive later |
"""


def test_code_that_only_has_the_question_as_an_example_does_not_count() -> None:
    answer = compose("What happens when Redis dies?", found(ECHO, SURVIVAL, similarity=0.5))
    assert "- **Redis**: events arrive later [2]" in answer
    assert "robot" not in answer


def test_a_row_is_quoted_for_what_it_says_and_not_for_its_table_alone() -> None:
    answer = compose("What happens when Redis dies?", found(SURVIVAL))
    assert "clients come back" not in answer


def test_the_second_row_of_a_table_that_lost_its_header_is_no_header() -> None:
    first, second = units(found("| the hub | clients come back |\n| Redis | events arrive |")[0])
    assert (first.header, second.header) == ("", "")
    assert second.text == "**Redis**: events arrive"


def test_a_row_knows_the_names_of_its_columns() -> None:
    assert {unit.header for unit in units(found(SURVIVAL)[0])} == {"dies what watchers see"}


def test_words_of_the_same_meaning_are_found() -> None:
    text = "`put FILE` imports a document into the archive."
    assert "imports a document" in compose("How do I upload a file?", found(text))


def test_a_definition_spares_what_only_names_the_word() -> None:
    words = "**Step** — a unit of an attempt.\n\n**Plan** — says each step that is to come."
    other = "A step recorded as finished is never done again."
    answer = compose("What is a step?", found(words, other))
    assert "a unit of an attempt" in answer
    assert "Plan" not in answer
    assert "never done again" not in answer


def test_a_section_about_just_what_is_asked_is_quoted_from_its_opening() -> None:
    text = "`submitted`, then `working`, then `completed`. Final ones never change."
    other = "The state of the task list is sent to those who watch tasks."
    passages = [*found(text, location="Tasks \u203a States"), *found("", other)[1:]]
    answer = compose("What states can a task have?", passages)
    assert answer.index("`submitted`, then") < answer.index("Final ones")


def test_commands_stand_with_their_sentence_and_only_those_that_matter() -> None:
    text = """Tasks are asked for and followed in the terminal:

```sh
tool run helper
tool ask helper
tool cancel TASK
```
"""
    answer = compose("How do I cancel a task?", found(text))
    assert "```sh\ntool cancel TASK\n```" in answer
    assert "tool ask" not in answer


@pytest.mark.parametrize("block", ["cat <<END\ncancel\nEND", "cancel \\\n  --now\nother"])
def test_a_command_of_several_lines_is_never_cut(block: str) -> None:
    answer = compose("How do I cancel it?", found(f"To cancel:\n\n```sh\n{block}\n```"))
    assert f"```sh\n{block}\n```" in answer


def test_code_is_not_quoted_where_nobody_asks_how() -> None:
    text = "The archive is kept for ten days.\n\n```yaml\narchive: ten\n```\n"
    assert "```" not in compose("How long is the archive kept?", found(text))


def test_what_is_far_from_the_best_is_left_out() -> None:
    best = "The archive of answers is kept for ten days."
    answer = compose("How long are answers kept in the archive?", found(best, "It has an archive."))
    assert "### Title 1" in answer
    assert "### Title 2" not in answer


def test_at_most_three_documents_are_quoted() -> None:
    texts = [f"The archive number {name} is kept cold." for name in ("one", "two", "six", "ten")]
    assert compose("Which archive is kept cold?", found(*texts)).count("### ") <= 3


def test_in_other_words_the_nearest_opening_is_quoted_and_said_to_be_that() -> None:
    text = "Frobs are turned left. They never squeak."
    sure = compose("Where does oil belong?", found(text, similarity=0.5))
    assert sure.startswith("Nothing found in the documents speaks of “oil” or “belong”.")
    assert "Frobs are turned left." in sure
    unsure = compose("Where does oil belong?", found(text, similarity=0.1))
    assert unsure.startswith("I found nothing")


def test_the_same_question_has_the_same_answer() -> None:
    passages = found(SURVIVAL, ECHO, "Redis may die.")
    assert len({compose("What happens when Redis dies?", passages) for _ in range(5)}) == 1


@pytest.mark.parametrize(
    "forms",
    [
        "file files",
        "die dies",
        "query queries",
        "resume resumes resuming resumed",
        "run runs running",
        "cancel cancels cancelled canceled cancelling",
        "call calls called calling",
        "connect connection connections",
        "class classes",
        "type types typed",
    ],
)
def test_forms_of_a_word_are_one(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


def test_different_words_stay_different() -> None:
    assert len({stem(word) for word in ("worker", "work", "word", "note", "notes")}) == 4


def test_logging_in_is_no_log() -> None:
    assert terms("How do I log in?") == ["login"] == terms("It logs you in.")
    assert "login" not in terms("The logs in the folder.")


def test_words_of_one_meaning_know_each_other() -> None:
    assert stem("ingest") in near(stem("uploading"))
    assert stem("upload") not in near(stem("upload"))
    assert not near("zebra")


def test_kinds_that_are_never_quoted_are_no_units() -> None:
    kinds = {unit.kind for unit in units(found(f"# A\n\n{SURVIVAL}\n\nB.\n\n{ECHO}")[0])}
    assert kinds == {Kind.ROW, Kind.SENTENCE, Kind.CODE}


def test_a_passage_that_is_far_away_must_speak_of_half_of_the_question() -> None:
    text = "Write nothing on it. It is blue. It is flat and round. Plates are cold."
    far = compose("Write a poem about spring flowers", found(text, similarity=0.1))
    assert far.startswith("I found nothing")
    near_by = compose("Which plates are cold?", found(text, similarity=0.1))
    assert "Plates are cold." in near_by


def test_a_compound_that_no_document_has_is_met_by_its_parts() -> None:
    text = "Models are `gpt-5-mini` and others. Tasks end. Agents wait. Steps pass. Logs grow."
    assert "gpt-5-mini" in compose("Can I use gpt-4?", found(text))


def test_a_hostile_question_and_passage_are_answered_quickly() -> None:
    text = "```sh\n" + "run '" + " a" * 4000 + "\n```\n" + "how do it log " * 500
    begin = process_time()
    compose("how do I log " * 150, found(text, text))
    assert process_time() - begin < 2


def test_a_question_as_long_as_a_book_is_answered_by_its_beginning() -> None:
    passages = found(*[f"A pump{n} moves water uphill. " * 8 for n in range(10)])
    question = "How does a pump1 move water? " + " ".join(f"word{n}" for n in range(100_000))
    begin = process_time()
    assert compose(question, passages).endswith(CREDIT)
    assert process_time() - begin < 5
