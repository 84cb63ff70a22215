"""What course.py does before anything is installed, and when something is wrong."""

import ast
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

NOBODY = 65534


@pytest.fixture
def course(root, tmp_path, monkeypatch):
    """The module, at work in a folder of its own that holds what it reads."""
    spec = importlib.util.spec_from_file_location("course", root / "course.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("pyproject.toml", "constraints.txt", "course.py"):
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
    for command in ("lab", "again", "test", "build", "grade"):
        assert f"\n  {command} " in done.stdout
    for option in ("--check", "--run", "--oracles", "--nbgrader", "--dask"):
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


def test_only_the_standard_library_is_used(root):
    tree = ast.parse((root / "course.py").read_text(encoding="utf-8"))
    imports = [x for x in ast.walk(tree) if isinstance(x, ast.Import | ast.ImportFrom)]
    names = {x.module for x in imports if isinstance(x, ast.ImportFrom)}
    names |= {a.name for x in imports if isinstance(x, ast.Import) for a in x.names}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


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
            course.check_disk("")
    finally:
        if root:
            os.seteuid(0)
    assert "which is not writable (Permission denied): clone it into" in str(stop.value)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: [Errno 28] No space left on device", "the disk is full."),
        ("Temporary failure in name resolution", "Is there a network?"),
        ("a\nb\nc\nd\ne\nsomething else", "The last lines say:\nb\nc\nd\ne\nsomething"),
    ],
)
def test_a_failed_installation_is_explained(course, said, told):
    assert told in course.explained(said, "The packages could not be installed")


def test_a_network_that_is_not_there_is_told(course, monkeypatch):
    """pip is really run, towards an address on which nothing listens."""
    course.VENV.mkdir()
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(course.shutil, "which", lambda _name: None)
    with pytest.raises(SystemExit, match=r"could not be downloaded. Is there a netw"):
        course.install(sys.executable, "")


def test_a_venv_of_another_python_is_made_anew(course, capsys):
    python = course.VENV / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")  # as Python 3.9 would answer
    python.chmod(0o755)
    assert not course.usable(python)
    course.make_venv(python)
    assert "does not work with this course: made anew" in capsys.readouterr().out
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
    monkeypatch.setattr(course, "check_disk", lambda _extra: None)
    with pytest.raises(KeyboardInterrupt):
        course.set_up()
    python = course.set_up()
    assert tries == ["", ""]
    assert course.set_up() == python
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
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SystemExit):
        course.install(sys.executable, "")
    assert "uv could not: trying pip." in capfd.readouterr().out


def test_an_environment_that_has_the_course_is_used(course, monkeypatch):
    monkeypatch.setattr(course.sys, "prefix", "elsewhere")
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
        server.terminate()
        server.communicate()
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
