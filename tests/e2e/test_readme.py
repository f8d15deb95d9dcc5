"""The README's tour is run as it stands: every line of its shell block, against a suite of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from careloop.infrastructure.processes import free_port

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[str]:
    """`careloop run` on a free port, with its state below the test's own folder."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "careloop",
        "run",
        "--port",
        str(port),
        "--state-dir",
        str(tmp_path / "state"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as suite:
        assert suite.stdout
        for line in suite.stdout:
            if "Ctrl-C" in line:
                break
        try:
            assert suite.poll() is None
            yield f"http://127.0.0.1:{port}"
        finally:
            suite.terminate()
            assert suite.wait(60) == 0


def test_the_tour_of_the_readme_works_as_printed(running: str, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    section = readme[readme.index("## A tour in five minutes") :]
    block = re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)[0]
    block = block.replace(". .venv/bin/activate", "").replace("http://127.0.0.1:8080", running)
    block = block.replace("careloop token", f"careloop token --state-dir {tmp_path / 'state'}")
    # A person types slower than this script; the clock is asked for until it is there.
    ask = 'curl -sf -o /dev/null -H "$AGENT" $api/sla/v1/subjects/ticket/$ticket'
    wait = f"for _ in $(seq 100); do {ask} && break; done\n"
    block = block.replace("# A moment later", wait + "# A moment later")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"code"' not in done.stdout, "no line of it may be answered with a problem"
    assert "business hours" in done.stdout
    assert '"first_response"' in done.stdout
