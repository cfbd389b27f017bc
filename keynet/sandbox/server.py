"""Run the sandbox, web service and registry, until it is interrupted.

keynet's own registry is at the address of the web service; docker-registry is a second process.
"""

import asyncio
import os
import secrets
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import Final, Literal

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from keynet.errors import Interrupted, KeynetError, UsageError
from keynet.files import atomic, locks, places
from keynet.frozen import frozen
from keynet.sandbox import authority, docker_registry
from keynet.sandbox.database import Store
from keynet.sandbox.registry.access import TokenGuard
from keynet.sandbox.registry.routes import opened
from keynet.sandbox.registry_tokens import ADMIN
from keynet.sandbox.service import PREFIX, TOKEN_PATH, Platform, application
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["USERNAME", "Options", "Sandbox", "serve"]

USERNAME: Final = "user@example.com"
_WATCH_S: Final = 0.5
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@frozen
class Options:
    """What to serve; port 0 means the port of the last run, or any if in use."""

    data: Path
    port: int = 0
    tls: bool = False
    address: str = "127.0.0.1"
    remote: bool = False
    projects: int = 3
    registry: Literal["keynet", "docker-registry"] = "keynet"


@frozen
class Sandbox:
    """A running sandbox: its addresses and accounts."""

    server_url: str
    registry_url: str
    username: str
    password: Secret
    password_file: Path
    admin_password: Secret
    data: Path
    ca_cert: Path | None = None
    admin_username: str = ADMIN

    @property
    def registry(self) -> str:
        """The registry as host:port."""
        return self.registry_url.partition("://")[2]


def serve(options: Options, ready: Callable[[Sandbox], None]) -> None:
    """Serve until interrupted; call ``ready`` once when everything is up.

    Raises:
        UsageError: Other machines could reach the address, and ``remote`` is not set.
        KeynetError: The data folder is in use, or the registry is missing or exited.
        Interrupted: The usual end; nothing is left running.
    """
    _check_address(options)
    with ExitStack() as stack:
        data = stack.enter_context(_data_folder(options.data))
        store = stack.enter_context(Store(data / "platform.sqlite"))
        listener = stack.enter_context(_listener(options, store))
        scheme = "https" if options.tls else "http"
        own = f"{scheme}://{_shown(options.address)}:{listener.getsockname()[1]}"
        signer = authority.token_signer(data)
        server_pair, ca_cert = None, None
        if options.tls:
            server_pair, ca_cert = authority.server_certificate(data, options.address)
        routes: list[Route] = []
        process: docker_registry.Registry | None = None
        if options.registry == "docker-registry":
            process = stack.enter_context(
                docker_registry.running(
                    data,
                    address=options.address,
                    port=int(store.fact("registry_port") or 0),
                    realm=own + TOKEN_PATH,
                    signer=signer,
                    certificate=server_pair,
                )
            )
            store.fact("registry_port", str(process.port))
        else:
            guard = TokenGuard(own + TOKEN_PATH, signer)
            routes = stack.enter_context(opened(data / "registry", guard))
        password, password_file = _password(data, "password")
        admin_password, _file = _password(data, "admin-password")
        store.add_user(USERNAME, "Sandbox User", password.reveal())
        store.add_projects(options.projects)
        sandbox = Sandbox(
            server_url=own + PREFIX,
            registry_url=f"{scheme}://{process.host}" if process else own,
            username=USERNAME,
            password=password,
            password_file=password_file,
            admin_password=admin_password,
            data=data,
            ca_cert=ca_cert,
        )
        platform = Platform(store, sandbox.registry_url, admin_password, signer)
        server = _Server(_config(application(platform, routes), server_pair))
        asyncio.run(_until_ended(server, listener, process, lambda: ready(sandbox)))
        if server.interrupted:
            raise Interrupted


class _Server(uvicorn.Server):
    """Shut down on signals; uvicorn itself would raise them again inside the loop."""

    interrupted = False

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        former = {number: signal.signal(number, self._interrupt) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.force_exit = self.interrupted
        self.should_exit = self.interrupted = True


def _config(service: Starlette, pair: authority.KeyPair | None) -> uvicorn.Config:
    return uvicorn.Config(
        service,
        # Engines try TLS first, which is warned of as a request that is no HTTP.
        log_level="error",
        access_log=False,
        lifespan="off",
        loop="asyncio",
        http="h11",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=2,
        ssl_certfile=pair.certificate_file if pair else None,
        ssl_keyfile=pair.key_file if pair else None,
    )


async def _until_ended(
    server: uvicorn.Server,
    listener: socket.socket,
    registry: docker_registry.Registry | None,
    ready: Callable[[], None],
) -> None:
    server.config.load()
    # The socket is already listening: early connections are served once the loop runs.
    ready()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not serving.done():
        await asyncio.wait({serving}, timeout=_WATCH_S)
        if registry and registry.process.poll() is not None and not serving.done():
            server.should_exit = True
            await serving
            raise KeynetError(
                fill(
                    _("The sandbox's registry exited with status {status}."),
                    status=registry.process.returncode,
                ),
                fill(_("Its log: {log}"), log=registry.log),
            )
    await serving


@contextmanager
def _data_folder(folder: Path) -> Iterator[Path]:
    """Create the data folder and lock it for this process."""
    try:
        folder = places.expanded(folder).resolve()
        places.make_private(folder)
        # It will hold keys and passwords.
        if stat.S_IMODE(folder.stat().st_mode) & 0o077 and not any(folder.iterdir()):
            folder.chmod(0o700)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as e:
        raise UsageError(
            fill(
                _("The sandbox cannot store its data in {folder}: {why}."),
                folder=folder,
                why=e.strerror or e,
            ),
            _("Choose another folder with --data."),
        ) from e
    try:
        if not locks.acquire(lock, wait_s=0):
            raise KeynetError(
                fill(_("Another sandbox is running with the data folder {folder}."), folder=folder),
                _("Stop it, or choose another folder with --data."),
            )
        yield folder
    finally:
        os.close(lock)


@contextmanager
def _listener(options: Options, store: Store) -> Iterator[socket.socket]:
    """Listen on the given port, else on that of the last run, else on any free one."""
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    remembered = int(store.fact("port") or 0)
    wanted = [options.port] if options.port else list(dict.fromkeys([remembered, 0]))
    # asyncio turns Nagle's algorithm off only for sockets that name TCP: an answer in two parts
    # waited 40 ms for the client's delayed acknowledgement of the first one.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for port in wanted:
            try:
                listener.bind((options.address, port))
                break
            except OSError as e:
                if port == wanted[-1]:
                    raise KeynetError(
                        fill(
                            _("The sandbox cannot listen on {address} port {port}: {why}."),
                            address=options.address,
                            port=port,
                            why=e.strerror or e,
                        ),
                        _("Choose another port with --port; 0 selects a free one."),
                    ) from e
        listener.listen(128)
        store.fact("port", str(listener.getsockname()[1]))
        yield listener


def _check_address(options: Options) -> None:
    try:
        address = ip_address(options.address)
    except ValueError as e:
        raise UsageError(
            fill(_("{address!r} is not an IP address."), address=printable(options.address, 100)),
            _("Pass an IP address of this machine, for example --address 127.0.0.1."),
        ) from e
    if address.is_unspecified:
        raise UsageError(
            fill(
                _("The sandbox can listen on one address only; {address} means all of them."),
                address=address,
            ),
            _("Pass the IP address at which other machines reach this one."),
        )
    if not address.is_loopback and not options.remote:
        raise UsageError(
            fill(_("Other machines could reach the sandbox on {address}."), address=address),
            _("The sandbox is for trying keynet only. To allow it, add --allow-remote."),
        )


def _password(data: Path, name: str) -> tuple[Secret, Path]:
    """Return the password in this file (mode 0600); created at first use."""
    file = data / name
    if file.exists():
        return Secret(file.read_text().strip()), file
    password = secrets.token_urlsafe(18)
    atomic.write(file, password + "\n")
    return Secret(password), file


def _shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address
