"""Who handed in what: learners are told apart by where their notebooks stand.

The parts of a path that name a learner are its folders and the name of the file,
without the names of lessons and of the course's own folders. Below a class, the first
of them is the learner. Where that would give one learner two notebooks that answer the
same lesson, nothing is added up: the next part tells them apart, and it is said so.
"""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache

from course_utils.grading.collect import EMPTY, spelt_out
from course_utils.grading.downloads import is_download, owner_of, shorten
from course_utils.grading.entry import Entry, Keys
from course_utils.grading.given import stems

COURSE_FOLDERS = {"work", "exercises", "notebooks", "solutions"}
BETWEEN = " \t_-.,"
# What browsers and JupyterLab add to the name of another copy.
COPY = re.compile(r"[\s_-]*(\(\d+\)|-?copy[\s_-]*\d*|\d{1,2})", re.I)
# As platforms name downloads: somebody, a number that stays, and one that changes.
DOWNLOAD = re.compile(r"(.+?)(?:_late)?_(\d{3,})_\d{4,}", re.I)


@cache
def lesson_names(in_folders: bool = False) -> re.Pattern:
    """Return what matches the names of lessons' notebooks.

    - `in_folders`: only with the number; a learner may well be called Masks.
    """
    named = [r"lesson[\s_-]*\d+"]
    for stem in stems():
        number, _, words = stem.partition("_")
        numbered = rf"0*{int(number)}[\s_-]+"
        words = r"[\s_-]+".join(map(re.escape, words.split("_")))
        named.append(f"{numbered}{words}" if in_folders else f"(?:{numbered})?{words}")
    either = "|".join(sorted(named, key=len, reverse=True))
    return re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_])", re.I)


def lesson_of(path: str) -> int | None:
    """Guess from a file's name which lesson it is to answer."""
    found = lesson_names().search(stem_of(path))
    said = found and found[0].lower().replace(" ", "_").replace("-", "_")
    for stem in stems() if found else ():
        number, _, words = stem.partition("_")
        if said.endswith(words) or re.fullmatch(rf"lesson_*0*{int(number)}", said):
            return int(number)
    return None


def stem_of(path: str) -> str:
    """Return a file's name without its ending, or endings, such as .ipynb.txt."""
    name = os.path.basename(path)
    stem = re.split(r"\.ipynb\b", name, maxsplit=1, flags=re.I)[0]
    return stem if stem != name else os.path.splitext(name)[0]


def rest_of(name: str, is_folder: bool = False) -> str:
    """Return what a name says beside a lesson; of other names, all."""
    if owner := owner_of(name):
        return owner.whole if owner.is_lasting else name
    found = lesson_names(is_folder).search(name)
    if found is None:
        return name
    before = name[: found.start()].strip(BETWEEN)
    if before:
        download = DOWNLOAD.fullmatch(before)
        return f"{download[1]}_{download[2]}" if download else before
    after = name[found.end() :]
    return "" if COPY.fullmatch(after) else after.strip(BETWEEN)


def place(entries: list[Entry]) -> None:
    """Find for what was graded in one run the class, and the learner's keys in it."""
    roots = defaultdict(list)
    for one in entries:
        is_file = one.path == one.root and not one.is_folder
        folder = os.path.dirname(one.root) if is_file else one.root
        roots[_without_lesson(folder)].append(one)
    learners = [x for x in roots if not clash(roots[x])] if len(roots) > 1 else []
    if 2 * len(learners) <= len(roots):  # a folder that holds a lesson twice is a class
        learners = []
    for root in roots.keys() - set(learners):
        for one in roots[root]:
            one.base, one.keys = root, _keys(one, root)
    for root, (base, keys) in _apart(learners).items():
        for one in roots[root]:
            one.base, one.keys = base, keys
    shorten(entries)


def _without_lesson(folder: str) -> str:
    while lesson_names(True).fullmatch(os.path.basename(folder)):
        folder = os.path.dirname(folder)
    return folder


def _keys(one: Entry, base: str) -> Keys:
    """Return the parts of a path below a folder that can name a learner."""
    inside = os.path.relpath(one.path, base)
    folders = [] if inside == "." else inside.split(os.sep)
    file = [] if one.is_folder or not folders else [stem_of(folders.pop())]
    told = [rest_of(x, True) for x in folders if x.lower() not in COURSE_FOLDERS]
    return (*(f"{x}/" for x in told if x), *(x for x in map(rest_of, file) if x))


def _apart(roots: list[str]) -> dict[str, tuple[str, Keys]]:
    """Tell folders, each of one learner, apart by what is not common to their paths."""
    if not roots:
        return {}
    paths = [root.split(os.sep) for root in roots]
    start = min(_common(paths), min(map(len, paths)) - 1)
    end = _common([path[start + 1 :][::-1] for path in paths]) if roots[1:] else 0
    base = os.sep.join(paths[0][:start]) or os.sep
    return {
        root: (base, tuple(f"{x}/" for x in path[start : len(path) - end]))
        for root, path in zip(roots, paths, strict=True)
    }


def _common(paths: list[list[str]]) -> int:
    """Return with how many equal parts all paths begin."""
    pairs = enumerate(zip(*paths, strict=False))
    shortest = min(map(len, paths))
    return next((i for i, parts in pairs if len(set(parts)) > 1), shortest)


def clash(entries: Iterable[Entry]) -> bool:
    """Whether two of these answer the same lesson, or have one name where that counts.

    What nobody wrote in, and the course's own solutions, clash with their like only.
    """
    seen = Counter(
        (one.kind, one.lesson or os.path.basename(one.path).casefold())
        for one in entries
        if one.counts
    )
    return any(n > 1 for n in seen.values())


def people(
    entries: list[Entry],
) -> tuple[dict[str, list[Entry]], list[Entry], list[str]]:
    """Return what each learner handed in by name, what is nobody's, and what to say.

    - `entries`: all that was ever graded into a folder of reports.
    """
    found: dict[tuple[str, Keys], list[Entry]] = {}
    said: list[str] = []
    strays: list[Entry] = []
    by_base = defaultdict(list)
    for one in entries:
        by_base[one.base].append(one)
    for base, those in by_base.items():
        found |= _of_class(base, those, strays, said)
    learners = _named(_across(found, said))
    several = [name for name, those in learners.items() if len(_folders(those)) > 1]
    return learners, strays, said + _put_together(several)


def _folders(entries: list[Entry]) -> set[str]:
    """Return the folders, but for those of lessons and of the course, of one's work.

    Of what a platform named, it is known whose it is.
    """
    work = [x for x in entries if x.counts and not is_download(x)]
    if not work:
        return set()
    drives = {os.path.splitdrive(x.path)[0] for x in work}
    if len(drives) != 1:  # on Windows, two have no folder in common
        return drives
    above = os.path.commonpath([os.path.dirname(x.path) for x in work])
    keys = [_keys(x, above) for x in work]
    return {x[0] for x in keys if _is_folder(x, 0)}


def _put_together(names: list[str]) -> list[str]:
    """Say whose work stands in several folders, if anybody's does."""
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [
        f"Work in several folders counts as one learner's: {', '.join(names[:3])}"
        f"{more}. If these folders are those of several learners, grade the folder "
        "above them by itself, with an --out of its own."
    ]


def _of_class(
    base: str, entries: list[Entry], strays: list[Entry], said: list[str]
) -> dict[tuple[str, Keys], list[Entry]]:
    """Tell the learners of one class apart."""
    down = _common_depth(entries)
    groups = defaultdict(list)
    for one in entries:
        if one.counts:
            groups[one.keys[down : down + 1]].append(one)
    deeper = _is_deeper([x for x in groups.values() if len(x) > 1], down + 1)
    found: dict[Keys, list[Entry]] = {}
    for keys, group in groups.items():
        found |= _split(keys, group, down, deeper, said)
    folders = [x for x in entries if x.is_folder]
    for one in [x for x in entries if not x.counts and not x.is_folder]:
        owner = _owner(found, one.keys[down:])
        if owner is None and _is_folder(one.keys, down):
            owner = one.keys[down : down + 1]
        if owner is None:
            strays.append(one)
        else:
            found.setdefault(owner, []).append(one)
    _add_folders(found, folders, down)
    return {(base, keys): x for keys, x in found.items()}


def _owner(found: dict[Keys, list[Entry]], keys: Keys) -> Keys | None:
    """Return the keys of the learner in whose folder something lies, if in one's."""
    tops = (keys[:n] for n in range(len(keys), -1, -1))
    return next((x for x in tops if x in found and (x or len(found) == 1)), None)


def _common_depth(entries: list[Entry]) -> int:
    """Return how many folders all share, if those of several learners follow."""
    keys = [
        x.keys
        for x in entries
        if x.counts or (x.is_folder and x.is_work and x.why == EMPTY)
    ]
    down = _common(keys) if keys else 0
    nexts = {"".join(x[down : down + 1]) for x in keys}
    is_class = len(nexts) > 1 and all(x[-1:] == "/" for x in nexts)
    return down if is_class else 0


def _is_deeper(groups: list[list[Entry]], depth: int) -> bool:
    """Whether most of these are classes: folders of folders with the same lesson."""
    several = [
        group
        for group in groups
        if len({x.keys[depth] for x in group if _is_folder(x.keys, depth)}) > 1
    ]
    return bool(several) and 2 * sum(map(clash, several)) >= len(several)


def _is_folder(keys: Keys, depth: int) -> bool:
    return len(keys) > depth and keys[depth].endswith("/")


def _split(
    keys: Keys, group: list[Entry], down: int, deeper: bool, said: list[str]
) -> dict[Keys, list[Entry]]:
    """Return a group as one learner's, or as of several if it cannot be of one."""
    depth = down + len(keys)
    by_folder = deeper and len(keys) == 1
    if not clash(group) and not (
        by_folder and any(_is_folder(x.keys, depth) for x in group)
    ):
        return {keys: group}
    parts = defaultdict(list)
    for one in group:
        is_next = not by_folder or clash(group) or _is_folder(one.keys, depth)
        parts[one.keys[depth : depth + 1] if is_next else ()].append(one)
    if len(parts) == 1 and () in parts:  # nothing is left but the files' own names
        parts = defaultdict(list)
        for one in group:
            parts[(_own_name(one, keys),)].append(one)
    found: dict[Keys, list[Entry]] = {}
    for part, those in parts.items():
        if part:
            told = said if by_folder else []
            found |= _split((*keys, *part), those, down, False, told)
        else:
            found |= _split_here(keys, those)
    if not by_folder:
        said.append(_told(keys, found))
    return found


def _split_here(keys: Keys, group: list[Entry]) -> dict[Keys, list[Entry]]:
    if not clash(group):
        return {keys: group}
    return {(*keys, _own_name(x, keys)): [x] for x in group}


def _own_name(one: Entry, keys: Keys) -> str:
    """Return where a file stands in the folder that keys name."""
    inside = os.path.relpath(one.path, one.base)
    return inside.partition(keys[-1])[2] or inside if keys else inside


def _told(keys: Keys, found: dict[Keys, list[Entry]]) -> str:
    names = ", ".join(sorted(map(text_of, found)))
    where = f"In {text_of(keys)}, several" if keys else "Several"
    return (
        f"{where} notebooks answer the same lesson, so they are graded as the work of "
        f"several learners: {names}. If they are one learner's, leave only the "
        "notebook that counts, and grade again."
    )


def _add_folders(
    found: dict[Keys, list[Entry]], folders: list[Entry], down: int
) -> None:
    """Add learners without work; a folder in that of a learner is no learner."""
    levels = {keys[:-1] for keys in found if keys and keys[-1].endswith("/")}
    for one in folders:
        keys = one.keys[down:]
        owner = _owner(found, keys)
        if owner is not None:
            found[owner] += [one] if one.why != EMPTY else []
        elif one.why != EMPTY:
            found.setdefault(keys[:1], []).append(one)
        elif not found or keys[:-1] in levels:
            found[keys] = [one]


def _across(
    found: dict[tuple[str, Keys], list[Entry]], said: list[str]
) -> dict[Keys, list[Entry]]:
    """Bring together what one learner has in several classes, such as one a week."""
    by_keys = defaultdict(list)
    for (base, keys), those in found.items():
        by_keys[keys or (f"{os.path.basename(base)}/",)].append((base, those))
    whole: dict[Keys, list[Entry]] = {}
    for keys, places in by_keys.items():
        together = [x for _, those in places for x in those]
        if len(places) == 1 or not clash(together):
            whole[keys] = together
            continue
        apart = {
            (*ends, *keys): those
            for (_, ends), (_, those) in zip(
                _apart([base for base, _ in places]).values(), places, strict=True
            )
        }
        whole |= apart
        said.append(_told(keys, apart))
    return whole


def _named(whole: dict[Keys, list[Entry]]) -> dict[str, list[Entry]]:
    """Give each learner a name that can be printed, and that nobody else has."""
    texts = {keys: text_of(keys) for keys in whole}
    for keys, text in texts.items():
        if Counter(texts.values())[text] > 1 and not keys[-1].endswith("/"):
            texts[keys] = f"{text}.ipynb"
    twice = {x for x, n in Counter(texts.values()).items() if n > 1}
    for keys, text in texts.items():
        if text in twice:
            texts[keys] = (
                "/".join(keys).encode("unicode_escape", "surrogatepass").decode()
            )
    return {texts[keys]: whole[keys] for keys in sorted(whole, key=texts.get)}


def text_of(keys: Keys) -> str:
    """Return keys as a name that can be printed."""
    text = "/".join(x.removesuffix("/") for x in keys)
    return spelt_out(unicodedata.normalize("NFC", text)) or "(no name)"
