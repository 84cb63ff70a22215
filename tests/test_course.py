"""What course.py does before anything is installed, and when something is wrong."""

import ast
import http.server
import importlib.util
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

NOBODY = 65534
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def course(root, tmp_path, monkeypatch):
    """The module set_up, at work in a folder of its own that holds what it reads."""
    monkeypatch.delitem(sys.modules, "set_up", raising=False)
    spec = importlib.util.spec_from_file_location("set_up", root / "set_up.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("pyproject.toml", "constraints.txt", "course.py", "set_up.py"):
        shutil.copy(root / name, folder)
    monkeypatch.setattr(module, "ROOT", folder)
    monkeypatch.setattr(module, "VENV", folder / ".venv")
    monkeypatch.setattr(module, "LOG", folder / ".venv" / "set-up.log")
    return module


def say(root, *arguments, **options):
    command = [sys.executable, str(root / "course.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_help_fits_on_a_screen(root):
    done = say(root, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) <= 24
    assert max(map(len, done.stdout.splitlines())) <= 80
    for command in ("lab", "again", "grade", "models", "build", "test"):
        assert f"\n  {command} " in done.stdout
    for option in ("--check", "--run", "--oracles", "--models", "--nbgrader", "--dask"):
        assert option in done.stdout


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("tset", "There is no command 'tset'. Did you mean 'test'?\n"),
        ("frobnicate", "There is no command 'frobnicate'. See --help.\n"),
    ],
)
def test_an_unknown_command_is_named(root, word, answer):
    done = say(root, word)
    assert (done.returncode, done.stderr) == (2, answer)


def test_an_old_python_is_told_so_in_one_sentence(root):
    text = (root / "course.py").read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 6))  # it gets as far as saying it
    old = "import sys; sys.version_info = (3, 9, 2); exec(open('course.py').read())"
    done = subprocess.run(
        [sys.executable, "-c", old], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith(
        "The course needs Python 3.11 or newer, and this is Python 3.9: get"
    )
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["course.py", "set_up.py"])
def test_only_the_standard_library_is_used(root, name):
    tree = ast.parse((root / name).read_text(encoding="utf-8"))
    imports = [x for x in ast.walk(tree) if isinstance(x, ast.Import | ast.ImportFrom)]
    names = {x.module for x in imports if isinstance(x, ast.ImportFrom)}
    names |= {a.name for x in imports if isinstance(x, ast.Import) for a in x.names}
    names = {name.split(".")[0] for name in names} - {"set_up"}
    assert names <= sys.stdlib_module_names


def test_a_full_disk_is_told_before_anything_is_written(course, monkeypatch):
    usage = shutil.disk_usage(course.ROOT)._replace(free=50 * 2**20)
    monkeypatch.setattr(course.shutil, "disk_usage", lambda _path: usage)
    monkeypatch.setattr(course, "in_own_environment", lambda _extra: False)
    with pytest.raises(SystemExit, match=r"The disk is too full: .* 50 MB are free"):
        course.set_up()
    assert not course.VENV.exists()


@pytest.mark.skipif(os.name != "posix", reason="needs Unix permissions")
def test_a_read_only_clone_is_told_so(course):
    course.ROOT.chmod(0o555)
    root = os.geteuid() == 0
    if root:  # who may write everywhere
        os.seteuid(NOBODY)
    try:
        with pytest.raises(SystemExit) as stop:
            course.check_folder("")
    finally:
        if root:
            os.seteuid(0)
    assert "which is not writable (Permission denied): clone it into" in str(stop.value)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: [Errno 28] No space left on device", "the disk is full."),
        ("Temporary failure in name resolution", "Is there a network?"),
        ("Read timed out. (read timeout=15)", "Is there a network?"),
        ("[Errno 101] Network is unreachable", "Is there a network?"),
        ("ConnectionResetError: Connection reset by peer", "Is there a network?"),
        ("'Cannot connect to proxy.', NewConnectionError(", "Is there a network?"),
        ("broken by 'SSLError(SSLCertVerificationError(1, '[SSL: C", "certificate"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed", "PIP_CERT"),
        ("Could not find a suitable TLS CA certificate bundle, in", "PIP_CERT"),
        ("Tunnel connection failed: 407 Proxy Authentication", "HTTPS_PROXY"),
        ("407 Client Error: Proxy Authentication Required for", "HTTPS_PROXY"),
        ("401 Client Error: Unauthorized for url: http", "asks for a login"),
        ("403 Client Error: Forbidden for url: http", "asks for a login"),
        ("WARNING: 401 Error, Credentials not correct for", "asks for a login"),
        ("503 Server Error: Service Unavailable for", "out of order"),
        ("ERROR: No matching distribution found for jinja2", "what PyPI has"),
        ("a\nb\nc\nd\ne\nsomething else", "The last lines say:\nb\nc\nd\ne\nsomething"),
    ],
)
def test_a_failed_installation_is_explained(course, said, told):
    assert told in course.explained(said, "The packages could not be installed")


class Refuses(http.server.BaseHTTPRequestHandler):
    """An index, or a proxy, that answers everything with one code."""

    code = 401

    def do_GET(self):
        self.send_error(self.code)

    do_CONNECT = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def needs_what_is_not_there(course):
    """Let the course need a package that no environment has."""
    with open(course.ROOT / "pyproject.toml", "w") as project:
        project.write('[project]\ndependencies = ["not-installed-anywhere"]\n')
        project.write("[project.optional-dependencies]\n")


@pytest.fixture
def pip(course, monkeypatch):
    """What really runs pip, towards an index, and returns what is said."""
    course.VENV.mkdir()
    needs_what_is_not_there(course)
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(course.shutil, "which", lambda _name: None)

    def install(index):
        monkeypatch.setenv("PIP_INDEX_URL", index)
        with pytest.raises(SystemExit) as stop:
            course.install(sys.executable, "")
        return str(stop.value)

    return install


def test_a_network_that_is_not_there_is_told(pip):
    assert "Is there a network?" in pip("http://127.0.0.1:9/simple")


@pytest.mark.parametrize(
    ("code", "told"), [(401, "asks for a login"), (404, "what PyPI has")]
)
def test_what_an_index_refuses_is_told(pip, server, monkeypatch, code, told):
    monkeypatch.setattr(Refuses, "code", code)
    said = pip(f"http://127.0.0.1:{server.server_port}/simple")
    assert told in said
    assert len(said.splitlines()) == 1


def test_a_proxy_that_asks_for_a_login_is_told(pip, server, monkeypatch):
    monkeypatch.setattr(Refuses, "code", 407)
    monkeypatch.setenv("PIP_PROXY", f"http://127.0.0.1:{server.server_port}")
    assert "the proxy asks for a login" in pip("https://index.invalid/simple")


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes a certificate")
def test_a_certificate_that_is_not_trusted_is_told(pip, server, tmp_path):
    both = tmp_path / "both.pem"
    new = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        [*new.split(), "-keyout", both, "-out", tmp_path / "certificate.pem"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    with open(both, "a") as file:
        file.write((tmp_path / "certificate.pem").read_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    said = pip(f"https://localhost:{server.server_port}/simple")
    assert "the certificate of the package index is not trusted" in said


def test_no_log_is_named_that_is_not_there(course):
    assert "set-up.log" not in course.explained("something else", "It failed")
    course.VENV.mkdir()
    course.LOG.write_text("more")
    assert f"All of it is in {course.LOG}" in course.explained("else", "It failed")


@pytest.mark.skipif(os.name != "posix", reason="a colon is no part of a name there")
@pytest.mark.parametrize("name", ["Kurs: 1", ":", "a:b"])
def test_a_colon_in_the_path_is_told_before_anything_is_written(
    course, monkeypatch, name
):
    folder = course.ROOT / name
    folder.mkdir()
    monkeypatch.setattr(course, "ROOT", folder)
    monkeypatch.setattr(course, "in_own_environment", lambda _extra: False)
    monkeypatch.setattr(course, "stamp_of", lambda _extra: folder / "stamp")
    with pytest.raises(SystemExit) as stop:
        course.set_up()
    assert re.search(r"':' for the end of .* Rename the folder", str(stop.value))
    assert "log" not in str(stop.value)
    assert list(folder.iterdir()) == []


FOREIGN = {
    "PYTHONPATH": "x",
    "PYTHONHOME": "x",
    "PYTHONSTARTUP": "x",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONSAFEPATH": "1",
    "JUPYTER_CONFIG_DIR": "x",
    "JUPYTER_CONFIG_PATH": "x",
    "JUPYTER_DATA_DIR": "x",
    "JUPYTER_RUNTIME_DIR": "x",
    "JUPYTER_PATH": "x",
    "JUPYTER_NO_CONFIG": "1",
    "JUPYTERLAB_DIR": "x",
    "JUPYTERLAB_SETTINGS_DIR": "x",
    "IPYTHONDIR": "x",
    "MPLCONFIGDIR": "x",
    "MPLBACKEND": "x",
    "MATPLOTLIBRC": "x",
    "PIP_USER": "1",
    "PIP_TARGET": "x",
    "PIP_PREFIX": "x",
    "PIP_NO_DEPS": "1",
    "PIP_DRY_RUN": "1",
    "PIP_CONSTRAINT": "x",
    "PIP_REQUIRE_VIRTUALENV": "1",
}
KEPT = {
    "PIP_INDEX_URL": "x",
    "PIP_EXTRA_INDEX_URL": "x",
    "PIP_FIND_LINKS": "x",
    "PIP_NO_INDEX": "1",
    "PIP_PROXY": "x",
    "PIP_CERT": "x",
    "PIP_CLIENT_CERT": "x",
    "PIP_TRUSTED_HOST": "x",
    "PIP_CONFIG_FILE": "x",
    "HTTPS_PROXY": "x",
    "no_proxy": "x",
    "SSL_CERT_FILE": "x",
    "REQUESTS_CA_BUNDLE": "x",
    "COURSE_PROGRESS": "x",
    "JUPYTER_TOKEN": "x",
    "LANG": "x",
}


def test_the_users_settings_stay_outside_and_the_way_to_packages_stays(
    course, monkeypatch, tmp_path
):
    monkeypatch.setattr(course.os, "environ", {**FOREIGN, **KEPT, "HOME": "/"})
    ours = course.environment()
    assert {k: v for k, v in ours.items() if k in KEPT} == KEPT
    assert not {k for k in FOREIGN if ours.get(k) == FOREIGN[k]}
    assert ours["PYTHONPATH"] == str(course.ROOT)
    assert (ours["PYTHONNOUSERSITE"], ours["PIP_USER"]) == ("1", "0")
    assert (ours["PIP_NO_INPUT"], ours["HOME"]) == ("1", "/")
    for name in ("CONFIG", "DATA", "RUNTIME"):
        assert str(course.ROOT) in ours[f"JUPYTER_{name}_DIR"]
    assert course.environment(LANG="y")["LANG"] == "y"


@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "/no/such/folder"}])
def test_without_a_home_the_course_brings_one(course, monkeypatch, home):
    monkeypatch.setattr(course.os, "environ", home)
    assert course.environment()["HOME"].startswith(str(course.ROOT))


@pytest.mark.parametrize(
    ("encoding", "more"),
    [
        ("ascii", {"PYTHONSAFEPATH": "1"}),
        ("cp1252", {"PYTHONWARNINGS": "error"}),
        ("latin-1:strict", {}),
    ],
)
def test_any_encoding_and_path_can_print_the_points(clone_of, tmp_path, encoding, more):
    clone = tmp_path / "Käthe – 学"
    clone.mkdir()
    for name in ("course.py", "set_up.py"):
        shutil.copy(ROOT / name, clone)
    (clone / "course_utils").symlink_to(ROOT / "course_utils")
    installed = clone / "attention_course-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Name: attention-course\nVersion: 1\n")
    variables = {**os.environ, **more, "PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [sys.executable, str(clone / "course.py"), "grade"],
        env=variables,
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode("latin-1").splitlines()
    assert lines[0].startswith("You have 0 of ")
    assert lines[2].split()[:2] == ["-", "1."]


def test_a_venv_without_pip_is_made_anew(course, monkeypatch, capsys, tmp_path):
    """As Debian leaves it where the package python3-venv is missing."""
    command = [sys.executable, "-m", "venv", "--without-pip", course.VENV]
    subprocess.run(command, check=True)
    python = course.VENV / "bin" / "python"
    assert course.usable(python)
    debian = tmp_path / "python3"
    debian.write_text('#!/bin/sh\necho "ensurepip is not available: $*"\nexit 1\n')
    debian.chmod(0o755)
    monkeypatch.setattr(course.sys, "executable", str(debian))
    with pytest.raises(SystemExit, match=r"'apt install python3\.\d+-venv' brings it"):
        course.make_venv(python)
    assert "is made anew" in capsys.readouterr().out


def test_a_users_pip_is_not_taken_for_the_one_in_venv(course, monkeypatch, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", course.VENV], check=True
    )
    (tmp_path / "pip").mkdir()
    for name in ("__init__", "__main__"):
        (tmp_path / "pip" / f"{name}.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    python = course.VENV / "bin" / "python"
    assert course.usable(python)
    assert not course.usable(python, "-m", "pip", "--version")


def test_without_a_terminal_a_silent_step_is_told_all_the_same(
    course, monkeypatch, capsys
):
    monkeypatch.setattr(course, "EVERY", 0.001)
    with course.Progress("making something") as progress:
        while "making something" not in capsys.readouterr().out:
            pass
        progress.doing = "installing"
        while "installing" not in capsys.readouterr().out:
            pass
    capsys.readouterr()
    assert not progress.is_alive()


def test_a_venv_of_another_python_is_made_anew(course, capsys):
    python = course.VENV / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")  # as Python 3.9 would answer
    python.chmod(0o755)
    assert not course.usable(python)
    course.make_venv(python)
    assert "does not work with this course, and is made anew" in capsys.readouterr().out
    assert course.usable(python)


def test_an_interrupted_set_up_goes_on(course, monkeypatch):
    """The stamp is written last, so a set-up without one starts again."""
    tries = []

    def install(python, extra):
        tries.append(extra)
        if len(tries) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(course, "install", install)
    monkeypatch.setattr(course, "in_own_environment", lambda _extra: False)
    monkeypatch.setattr(course, "check_folder", lambda _extra: None)
    with pytest.raises(KeyboardInterrupt):
        course.set_up()
    python = course.set_up()
    assert tries == ["", ""]
    assert course.set_up() == python
    where = [python, "-c", "import set_up; print(set_up.__file__)"]
    bare = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    found = subprocess.check_output(where, cwd="/", text=True, env=bare).strip()
    assert found == str(course.ROOT / "set_up.py")
    assert tries == ["", ""]
    course.set_up("test")
    assert tries == ["", "", "test"]
    with open(course.ROOT / "constraints.txt", "a") as constraints:
        constraints.write("something==1\n")
    course.set_up("test")
    course.set_up()  # the extra brought the course along
    assert tries == ["", "", "test", "test"]


def test_uv_is_used_where_it_is_and_pip_where_it_fails(course, monkeypatch, capfd):
    uv = course.ROOT / "uv"
    uv.write_text('#!/bin/sh\necho "uv was called with $*"\nexit 0\n')
    uv.chmod(0o755)
    monkeypatch.setattr(course.shutil, "which", lambda _name: str(uv))
    course.install(sys.executable, "")
    said = capfd.readouterr().out
    assert f"uv was called with pip install --python {sys.executable}" in said
    assert "constraints.txt" in said
    uv.write_text("#!/bin/sh\nexit 3\n")
    course.VENV.mkdir()
    needs_what_is_not_there(course)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SystemExit):
        course.install(sys.executable, "")
    assert "uv failed; trying pip." in capfd.readouterr().out


def test_an_environment_that_has_the_course_is_used(course, monkeypatch):
    monkeypatch.setattr(course.sys, "prefix", "elsewhere")
    monkeypatch.setattr(course.importlib.metadata, "distribution", str)
    assert course.set_up() == sys.executable
    monkeypatch.setattr(course.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SystemExit, match=r"pip install -e '.\[test\]' adds it"):
        course.set_up("test")


def test_a_busy_port_is_named_and_another_one_taken(clone_of, tmp_path):
    clone = clone_of(tmp_path / "clone")
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        command = [sys.executable, str(clone / "course.py"), f"--port={port}"]
        server = subprocess.Popen(
            [*command, "--no-browser", "--allow-root"],
            env={**os.environ, "HOME": str(tmp_path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = []
        for line in server.stderr:
            said.append(line)
            if "Use Control-C" in line:
                break
        # What it is told before its loop runs is lost: say it until it is heard.
        while server.poll() is None:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.communicate(timeout=1)
    said = "".join(said)
    assert f"The port {port} is already in use, trying another port." in said
    assert "/lab/tree/start.md" in said
    assert f"Serving notebooks from local directory: {clone / 'work'}" in said
    assert (clone / "work" / "exercises" / "01_soft_lookup.ipynb").exists()
    # The server took the place of course.py, so nothing is left when that ends.
    assert server.returncode is not None


def test_grade_without_a_path_shows_the_points(root, progress_file):
    progress_file.write_text('{"exercises": {"soft_lookup": 3}}')
    done = say(root, "grade")
    assert (done.returncode, done.stderr) == (0, "")
    first, empty, lesson, *exercises = done.stdout.splitlines()
    assert re.fullmatch(r"You have 3 of \d+ points\.", first)
    assert (empty, lesson.split()[:2]) == ("", ["□", "1."])
    assert lesson.endswith(" 3 of 10")
    assert exercises[0].split() == ["□", "hard_lookup", "0", "of", "2"]
    assert exercises[1].split() == ["■", "soft_lookup", "3", "of", "3"]


def test_what_cannot_be_laid_out_is_not_opened(clone_of, tmp_path):
    clone = clone_of(tmp_path / "clone")
    (clone / "work").write_text("a file where the folder should be")
    done = say(clone, "--no-browser", "--allow-root", timeout=300)
    assert done.returncode == 1
    assert "could not be brought up to date" in done.stderr
    assert len(done.stderr.splitlines()) == 1
