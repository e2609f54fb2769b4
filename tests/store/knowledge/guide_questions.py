"""What people ask first, and what a good answer from README.md and docs/ says and does not say."""

from typing import NamedTuple


class Question(NamedTuple):
    """Right, when the answer has one of `says` and nothing of `spares`."""

    text: str
    says: tuple[str, ...]
    spares: tuple[str, ...] = ()


QUESTIONS = (
    Question(
        "What happens when Redis dies?",
        ("events arrive up to two seconds later",),
        ("librarian", "clients reconnect"),
    ),
    Question(
        "What happens if Postgres goes down?",
        ("nothing is acknowledged meanwhile",),
        ("Format, lint",),
    ),
    Question("What happens when a worker crashes?", ("to another worker", "17 seconds"), ("curl",)),
    Question("How do I add documents?", ("pygent ingest",), ("PYGENT_SEED", "I found nothing")),
    Question(
        "Which file formats can I upload?", ("Markdown, plain text, HTML and PDF",), ("lint",)
    ),
    Question("How large may a document be?", ("20 MiB",), ("Evolution",)),
    Question("How do I delete a collection?", ("DELETE /api/v1/collections",)),
    Question("How does search work?", ("cosine distance",), ("Evolution",)),
    Question("What embeddings are used?", ("all-MiniLM-L6-v2",), ("PYGENT_",)),
    Question(
        "How does a watcher resume?",
        ("resumes without a gap", "resumes after the same number", "resumes from that number"),
        ("curl", "doctor"),
    ),
    Question("How do I run the tests?", ("make test",), ("scripted", "curl")),
    Question("Which Python version do I need?", ("Python 3.11",)),
    Question("How do I log in?", ("a link that logs you in",), ("PYGENT_LOG",)),
    Question("How do I change the port?", ("`PYGENT_PORT`",), ("changed rows",)),
    Question("Where are logs stored?", ("`PYGENT_DATA_DIR`",), ("Projection",)),
    Question("How do I use my own Postgres?", ("`PYGENT_DATABASE_URL`",), ("Format, lint",)),
    Question("Do I need an API key?", ("need no API key", "needs no API key"), ("curl",)),
    Question("How do I use Ollama?", ("OLLAMA_BASE_URL",), ("I found nothing",)),
    Question("What is an attempt?", ("one worker's try at one task",), ("Evolution", "Entity")),
    Question("What is a step?", ("result is recorded once",), ("Workflow", "pygent run")),
    Question("What is a collection?", ("a named set of documents",), ("Evolution",)),
    Question("What is PyGent Factory?", ("live control room for AI agents",), ("PYGENT_PUBLIC",)),
    Question("How do I create an agent?", ("pygent agents create",), ("curl", "retire")),
    Question("Which tools can an agent use?", ("`calculator`",)),
    Question("How do I limit what a task may cost?", ("`limits` bound", "`limits.money`")),
    Question("How do I cancel a task?", ("pygent tasks cancel TASK",), ("What is a step",)),
    Question("What states can a task have?", ("`submitted` → `working`",)),
    Question("How do I avoid submitting a task twice?", ("`Idempotency-Key",)),
    Question("How do I deploy it on several machines?", ("pygent worker",)),
    Question("How do I monitor it with Prometheus?", ("`/health/metrics`",)),
    Question("Does it send telemetry?", ("No telemetry",)),
    Question("What is the capital of France?", ("I found nothing",), ("### ",)),
    Question("Who won the football world cup?", ("I found nothing",), ("### ",)),
)
