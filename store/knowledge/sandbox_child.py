"""The program of the process that sandbox.py starts: one document in, its text or a refusal out.

python -I sandbox_child.py MEMORY_BYTES SECONDS MEDIA_TYPE NAME < document > answer.json
"""

import resource
import signal
import sys
from pathlib import Path

if __name__ == "__main__":  # isolated (-I): nothing of ours is on the path yet
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import msgspec

from protocols.errors import InvalidRequest
from store.knowledge.loader import Answer
from store.knowledge.loaders.charset import decode
from store.knowledge.loaders.csv import read_csv
from store.knowledge.loaders.html import read_html
from store.knowledge.loaders.pdf import read_pdf


def main(memory_bytes: int, seconds: int, media_type: str, name: str) -> None:
    """Reads standard input, answers on standard output."""
    _limit(memory_bytes, seconds)
    content = sys.stdin.buffer.read()
    try:
        match media_type:
            case "application/pdf":
                loaded = read_pdf(content, name=name)
            case "text/html":
                loaded = read_html(decode(content, name=name))
            case _:
                loaded = read_csv(decode(content, name=name), name=name)
        answer = Answer(loaded=loaded)
    except InvalidRequest as error:
        answer = Answer(refused=error.message)
    sys.stdout.buffer.write(msgspec.json.encode(answer))


def _limit(memory_bytes: int, seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes to a pipe alone
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(seconds)  # also when it only waits, for a parent that is gone


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
