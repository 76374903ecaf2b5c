"""A small administrative frame and the instruments read over it, so that these tests need no other data."""

from collections.abc import Callable
from pathlib import Path
from shutil import copyfile

import pytest

from questionnaires import Instrument, load_instrument, load_instrument_text

LIBRARY = Path(__file__).resolve().parents[2] / "questionnaires" / "library"
CIRCLES = LIBRARY.parents[1] / "data" / "frame" / "circles-chengdu.csv"
HEADER = "scheme,edition,code,name,level,parent_code\n"


def small_frame() -> str:
    rows = [("510100", "成都市", "city", "510000"), ("530100", "昆明市", "city", "530000")]
    rows += [("510104", "锦江区", "district", "510100"), ("510105", "青羊区", "district", "510100")]
    rows += [("530102", "五华区", "district", "530100")]
    for district in ("510104", "510105", "530102"):
        rows += [(f"{district}00{n}", f"第{n}街道", "street", district) for n in (1, 2)]
        for street in (1, 2):
            rows += [
                (
                    f"{district}00{street}00{n}",
                    f"{'水井坊' if n == 1 else f'和平{n}'}社区",
                    "community",
                    f"{district}00{street}",
                )
                for n in (1, 2, 3)
            ]
    return HEADER + "".join(f"nbs,2023,{code},{name},{level},{parent}\n" for code, name, level, parent in rows)


@pytest.fixture(scope="session")
def frame_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "frame").mkdir()
    (folder / "frame" / "divisions-nbs-2023.csv").write_text(small_frame(), encoding="utf-8")
    copyfile(CIRCLES, folder / "frame" / CIRCLES.name)
    return folder


@pytest.fixture(scope="session")
def opinion(frame_folder: Path) -> Instrument:
    """The public's questionnaire over the small frame."""
    return load_instrument(LIBRARY / "public-opinion.yaml", choice_files=frame_folder)


@pytest.fixture
def load(frame_folder: Path) -> Callable[[str], Instrument]:
    return lambda text: load_instrument_text(text, choice_files=frame_folder)
