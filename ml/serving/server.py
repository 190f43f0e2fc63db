"""Listening: address, TLS, and the process around the application.

What lives here: uvicorn's settings and who may be listened to. What does not: requests.
"""

from __future__ import annotations

import ipaddress
import ssl
from typing import TYPE_CHECKING

import uvicorn

from flows.errors import ConfigurationError
from ml.serving.app import create_app
from ml.serving.connections import cutting_after
from ml.serving.errors import ExposedWithoutTlsError
from ml.serving.service import make_service

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from flows.settings import Settings

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
GRACE_SECONDS = 10
BACKLOG = 2_048


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, say: Callable[[str], None]) -> None:
        super().__init__(config)
        self._say = say

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say where."""
        await super().startup(sockets)
        if self.started:
            scheme = "https" if self.config.is_ssl else "http"
            port = self.servers[0].sockets[0].getsockname()[1]
            self._say(f"scoring API ready: {scheme}://{self.config.host}:{port}")


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until told to stop.

    Args:
        settings: Address, limits, folders.
        say: Told once, when requests are answered.

    Raises:
        ExposedWithoutTlsError: The address is not loopback and there is no certificate or key.
        ConfigurationError: Certificate and key cannot be used, or the port is taken.
    """
    config = make_config(settings)
    server = _Server(config, say)
    try:
        server.run()
    except SystemExit as end:
        raise ConfigurationError(
            f"The scoring API cannot listen on {settings.api_host}:{settings.api_port}.",
            hint="the port may be taken; choose another one with --port",
        ) from end


def make_config(settings: Settings) -> uvicorn.Config:
    """Return uvicorn's settings.

    Raises:
        ExposedWithoutTlsError: The address is not loopback and there is no certificate or key.
        ConfigurationError: Certificate and key cannot be used.
    """
    certificate, key = settings.api_tls_certificate_path, settings.api_tls_key_path
    refuse_exposed(settings)
    config = uvicorn.Config(
        create_app(make_service(settings)),
        host=settings.api_host,
        port=settings.api_port,
        http=cutting_after(settings.api_slow_client_seconds),
        loop="uvloop",
        ws="none",
        interface="asgi3",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # an address is what a lock-out is about; a client must not choose it
        backlog=BACKLOG,
        timeout_keep_alive=int(settings.api_slow_client_seconds),
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        ssl_ciphers=CIPHERS,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"Certificate {certificate} and key {key} cannot be used: {type(error).__name__}.",
            hint="both are PEM files, the key belongs to the certificate and has no passphrase",
        ) from error
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config


def refuse_exposed(settings: Settings) -> None:
    """Refuse to listen where others can reach it, without TLS.

    Raises:
        ExposedWithoutTlsError: See there.
    """
    paths = (settings.api_tls_certificate_path, settings.api_tls_key_path)
    if is_loopback(settings.api_host) and (all(paths) or not any(paths)):
        return
    if not all(paths):
        missing = "there is no TLS certificate" if paths[0] is None else "there is no TLS key"
        raise ExposedWithoutTlsError(host=settings.api_host, missing=missing)


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
