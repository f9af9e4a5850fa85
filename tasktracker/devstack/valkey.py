"""Embedded Valkey: Celery's queues, the channel layer, rate limits. Nothing in it must last."""

from tasktracker.devstack import binaries
from tasktracker.devstack.folder import HOST, write_private
from tasktracker.devstack.service import Service


class Valkey(Service):
    name = "valkey"
    variable = "REDIS_URL"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def prepare(self) -> None:
        data = self.folder.subfolder("valkey")
        lines = [
            f"bind {HOST}",
            f"port {self.port}",
            f'requirepass "{self.password}"',
            "maxmemory 256mb",
            "maxmemory-policy noeviction",
            'save ""',
            "appendonly no",
            "daemonize no",
            "set-proc-title no",  # a title is written over the environment, and with it over our mark
        ]
        write_private(data / "valkey.conf", "\n".join(lines) + "\n")

    def command(self) -> list[str]:
        return [str(binaries.valkey()), str(self.folder.path / "valkey" / "valkey.conf")]

    def is_ready(self) -> bool:
        return "+PONG" in self.ask(f"AUTH {self.password}", "PING")
