"""`@tus/server` with its file store, as a process on loopback: a receiver that is not ours. Installed once into the npm cache folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.line_process import LineProcess

_PACKAGES = ("@tus/server@2", "@tus/file-store@2")
_CACHE = Path(__file__).parents[2] / ".cache" / "tus-node"
_NODE_MAJOR = 20
_INSTALL_S = 100

_PROGRAM = """
import http from 'node:http'
import fs from 'node:fs'
import path from 'node:path'
import crypto from 'node:crypto'
import { createRequire } from 'node:module'
const require = createRequire(process.argv[2] + '/')
const { Server } = await import(require.resolve('@tus/server'))
const { FileStore } = await import(require.resolve('@tus/file-store'))
const [, , , folder, port, digests] = process.argv
const tus = new Server({ path: '/files', datastore: new FileStore({ directory: folder }), relativeLocation: true })

function digest(url) {
  const file = path.join(folder, path.basename(url))
  if (!fs.existsSync(file) || !fs.existsSync(file + '.json')) return null
  const info = JSON.parse(fs.readFileSync(file + '.json', 'utf8'))
  if (fs.statSync(file).size !== info.size) return null
  return crypto.createHash('sha256').update(fs.readFileSync(file)).digest('base64')
}

const server = http.createServer((request, response) => {
  const sha256 = digests === 'digests' && request.method === 'HEAD' ? digest(request.url) : null
  if (sha256) response.setHeader('Repr-Digest', `sha-256=:${sha256}:`)
  tus.handle(request, response)
})
server.listen(Number(port), '127.0.0.1', () => console.log(server.address().port))
"""


def installed() -> Path:
    """Folder with node_modules. Skips the test, saying why, where Node or the npm registry is missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
    if int(version.strip().lstrip("v").partition(".")[0]) < _NODE_MAJOR:
        pytest.skip(f"node {version.strip()} is older than {_NODE_MAJOR}")
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (_CACHE / "complete").exists():
            command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(_CACHE), *_PACKAGES]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
            except subprocess.TimeoutExpired:
                pytest.skip(f"npm install {' '.join(_PACKAGES)} took longer than {_INSTALL_S} s")
            if done.returncode:
                pytest.skip(f"npm install {' '.join(_PACKAGES)} failed: {done.stderr[-300:]}")
            (_CACHE / "complete").touch()
        program = _CACHE / "server.mjs"
        if not program.exists() or program.read_text() != _PROGRAM:  # never rewritten under a node that is just reading it
            program.write_text(_PROGRAM)
    return _CACHE


def tus_node(folder: Path, port: int = 0, digests: bool = True) -> LineProcess:
    """Running when it returns; its first line is the port. digests: HEAD of a whole file carries Repr-Digest (put in front of the server,
    which has none)."""
    cache = installed()
    folder.mkdir(parents=True, exist_ok=True)
    command = ["node", str(cache / "server.mjs"), str(cache), str(folder), str(port), "digests" if digests else "none"]
    return LineProcess(command, env={**os.environ, "DEBUG": ""})
