"""Embedded NATS with JetStream; every acknowledged message is on the disk."""

import json

from tasktracker.devstack import binaries
from tasktracker.devstack.folder import HOST, write_private
from tasktracker.devstack.service import Service

USER = "tasktracker"


class Nats(Service):
    name = "nats"
    variable = "NATS_URL"

    @property
    def url(self) -> str:
        return f"nats://{USER}:{self.password}@{HOST}:{self.port}"

    def prepare(self) -> None:
        data = self.folder.subfolder("nats")
        quoted = json.dumps  # NATS reads JSON strings, so a path with a space is safe
        write_private(
            data / "nats.conf",
            f"""
            host: {quoted(HOST)}
            port: {self.port}
            server_name: "embedded"
            max_payload: 1100000
            authorization {{ user: {quoted(USER)}, password: {quoted(self.password)} }}
            jetstream {{
              store_dir: {quoted(str(data))}
              # fixed, else a disk with little free space refuses the stream
              max_file_store: 16GB
              max_memory_store: 64MB
              # acknowledged means fsynced
              sync_interval: always
            }}
            """,
        )

    def command(self) -> list[str]:
        return [str(binaries.nats()), "-c", str(self.folder.path / "nats" / "nats.conf")]

    def is_ready(self) -> bool:
        login = json.dumps(
            {"user": USER, "pass": self.password, "verbose": False, "pedantic": False}
        )
        answer = self.ask(f"CONNECT {login}", "PING")
        return '"jetstream":true' in answer and "PONG" in answer
