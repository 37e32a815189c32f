"""A hub of models on this machine: the part of the Hugging Face hub's http interface that up- and downloads use."""
import base64
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TOKEN = 'hf_token_of_a_test'


@dataclass
class Hub:
    """What the server holds, and what it was asked."""
    address: str = ''
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)  # user/model -> file -> content
    private: list[str] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)  # SHA-256 -> content of large files
    stated: dict[str, str] = field(default_factory=dict)  # file -> a wrong hash that the server states
    asked: list[str] = field(default_factory=list)  # methods and paths


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers from `hub`."""
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._send_file(with_content=False)

    def do_GET(self) -> None:
        self._send_file(with_content=True)

    def do_PUT(self) -> None:
        self.hub.asked.append(f'PUT {self.path}')
        self.hub.stored[self.path.rpartition('/')[2]] = self._body()
        self._answer({})

    def do_POST(self) -> None:
        self.hub.asked.append(f'POST {self.path}')
        body = self._body()
        if self.path == '/api/validate-yaml':
            return self._answer({})
        if self.headers.get('Authorization') != f'Bearer {TOKEN}':
            return self._refuse(401, 'Unauthorized')
        if self.path == '/api/repos/create':
            wanted = json.loads(body)
            name = f'{wanted["organization"]}/{wanted["name"]}'
            if name in self.hub.repositories:
                return self._answer(dict(url=f'{self.hub.address}/{name}'), 409)
            self.hub.repositories[name] = {}
            if wanted.get('visibility') == 'private' or wanted.get('private'):
                self.hub.private.append(name)
            return self._answer(dict(url=f'{self.hub.address}/{name}'))
        if '/preupload/' in self.path:
            files = [dict(path=file['path'], shouldIgnore=False,
                          uploadMode='lfs' if file['path'].endswith('.safetensors') else 'regular')
                     for file in json.loads(body)['files']]
            return self._answer(dict(files=files))
        if self.path.endswith('/info/lfs/objects/batch'):
            objects = [dict(item, actions=dict(upload=dict(href=f'{self.hub.address}/lfs/{item["oid"]}', header={})))
                       for item in json.loads(body)['objects']]
            return self._answer(dict(transfer='basic', objects=objects))
        name = re.fullmatch(r'/api/models/(.+)/commit/main', self.path)[1]
        for line in map(json.loads, body.splitlines()):
            value = line['value']
            if line['key'] == 'file':
                self.hub.repositories[name][value['path']] = base64.b64decode(value['content'])
            elif line['key'] == 'lfsFile':
                self.hub.repositories[name][value['path']] = self.hub.stored[value['oid']]
        commit = self._commit(name)
        return self._answer(dict(commitUrl=f'{self.hub.address}/{name}/commit/{commit}', commitOid=commit))

    def _send_file(self, with_content: bool) -> None:
        self.hub.asked.append(f'{self.command} {self.path}')
        found = re.fullmatch(r'/([^/]+/[^/]+)/resolve/([^/]+)/(.+)', self.path)
        if found is None:
            return self._refuse(404, 'Not Found')
        name, revision, file = found.groups()
        files = self.hub.repositories.get(name)
        if files is None:
            return self._refuse(401, 'Unauthorized', 'RepoNotFound')
        if revision not in ('main', self._commit(name)):
            return self._refuse(404, 'Not Found', 'RevisionNotFound')
        if file not in files:
            return self._refuse(404, 'Not Found', 'EntryNotFound')
        content = files[file]
        self.send_response(200)
        self.send_header('Content-Length', str(len(content)))
        self.send_header('ETag', f'"{self.hub.stated.get(file, hashlib.sha256(content).hexdigest())}"')
        self.send_header('X-Repo-Commit', self._commit(name))
        self.end_headers()
        if with_content:
            self.wfile.write(content)

    def _commit(self, name: str) -> str:
        files = self.hub.repositories[name]
        return hashlib.sha1(b''.join(key.encode() + files[key] for key in sorted(files))).hexdigest()

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get('Content-Length') or 0))

    def _answer(self, content: dict, status: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _refuse(self, status: int, reason: str, code: str = '') -> None:
        self.send_response(status, reason)
        self.send_header('X-Error-Code', code)
        self.send_header('Content-Length', '0')
        self.end_headers()


@contextmanager
def serve_hub(cache: Path) -> Iterator[Hub]:
    """Serve an empty hub, and let huggingface_hub use it, with a cache and a token of its own."""
    from huggingface_hub import constants
    hub = Hub()
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), type('HubHandler', (Handler,), dict(hub=hub)))
    hub.address = f'http://127.0.0.1:{server.server_port}'
    thread = threading.Thread(target=server.serve_forever, args=(.01,), daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        # What HF_ENDPOINT, HF_HUB_CACHE, ... set when the package is imported.
        patch.setattr(constants, 'ENDPOINT', hub.address)
        patch.setattr(constants, 'HUGGINGFACE_CO_URL_TEMPLATE',
                      hub.address + '/{repo_id}/resolve/{revision}/{filename}')
        patch.setattr(constants, 'HF_HUB_CACHE', str(cache))
        patch.setattr(constants, 'HF_HUB_OFFLINE', False)
        patch.setattr(constants, 'HF_HUB_DISABLE_XET', True)
        patch.setenv('HF_TOKEN', TOKEN)
        try:
            yield hub
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
