from importlib import resources
from pathlib import Path

import pytest

from easyportrait.errors import BadRecipe
from easyportrait.train.engine import Machine
from easyportrait.train.nets import NETS
from easyportrait.train.recipe import Recipe, Reference, Scenes, recipes

FOLDER = Path(str(resources.files("easyportrait.train") / "recipes"))
RECIPES = sorted(recipes())


@pytest.fixture
def text() -> str:
    return (FOLDER / "embedded.toml").read_text()


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_loads_and_opens_with_its_command(name: str) -> None:
    recipe = Recipe.load(name)
    assert recipe.name == name
    head = (FOLDER / f"{name}.toml").read_text().split("\n\n")[0]
    assert f"easyportrait train {name} --data" in head
    assert "xpected" in head or "Scores" in head or name == "embedded-refined"
    if isinstance(recipe.augment, Scenes):
        shares = recipe.augment
        assert shares.face + shares.frame + shares.crowd + shares.empty == pytest.approx(1)
    assert [s.from_step for s in recipe.stages] == sorted(s.from_step for s in recipe.stages)
    assert recipe.stages[0].from_step == 0


def test_missing_and_unknown_numbers_are_named(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text.replace("weight_decay", "weight_decai"))
    with pytest.raises(BadRecipe, match=r"optimiser: missing weight_decay; unknown weight_decai"):
        Recipe.load(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\nsteps = ", '\nsteps = "many" # ', r"run: steps is of type int, got 'many'"),
        ("mend = true", "mend = 1", "mend is of type bool, got 1"),
        ("mean = [127.0, 127.0, 127.0]", "mean = [127.0]", r"mean holds 3 values, got \[127.0\]"),
        ("[loss]", "[los]", "missing loss; unknown los"),
        ("seed = 0", "seed = ", "is not TOML"),
        ("seed = 0", f"seed = {'[' * 5_000}", "is not TOML: it is nested too deeply"),
        ("seed = 0", f"seed = {'9' * 5_000}", "is not TOML"),
        ("seed = 0", f"seed = {'9' * 40}", "seed is a number beyond what TOML has"),
        ("seed = 0", f"seed = 0x{'f' * 5_000}", "got a number of thousands of digits"),
        ("mean = [127.0,", "mean = [nan,", "mean is a finite number, got nan"),
        ('kind = "scenes"', "kind = []", r"kind is one of scenes, reference, got \[\]"),
        ('"scenes"', '"scene"', r"augment: kind is one of scenes, reference, got 'scene'"),
        ('"poly"', '"step"', r"optimiser: schedule is one of poly, cosine, got 'step'"),
        ('"joint"', '"all"', r"task is one of joint, ps, fp, got 'all'"),
        ('"joint"', '"ps"', r"class_weights holds 9 values, but the task 'ps' has 2 classes"),
        ("validate_every = 300", "validate_every = 0", r"validate_every is at least 1, got 0"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(
    tmp_path: Path, text: str, old: str, new: str, message: str
) -> None:
    assert old in text
    with pytest.raises(BadRecipe, match=message):
        Recipe.load(written(tmp_path, text.replace(old, new, 1)))


def test_a_recipe_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'name = "\xe9"')
    with pytest.raises(BadRecipe, match=r"latin\.toml is not TOML: 'utf-8' codec"):
        Recipe.load(path)


def test_an_unknown_recipe_lists_the_known() -> None:
    with pytest.raises(BadRecipe, match=r"no recipe 'embeded'\. Recipes: .*embedded"):
        Recipe.load("embeded")


def test_stages_begin_where_they_say() -> None:
    recipe = Recipe.load("embedded")
    for stage in recipe.stages:
        assert recipe.stage_at(stage.from_step) == recipe.stage_at(stage.from_step + 1) == stage
    assert recipe.stage_at(recipe.stages[1].from_step - 1) == recipe.stages[0]


def test_strength_weakens_changes_and_leaves_framing() -> None:
    augment = Recipe.load("embedded").augment
    weak = augment.scaled(0.5)
    assert weak.noise == augment.noise / 2 and weak.turn == augment.turn / 2
    assert weak.face == augment.face and weak.face_height == augment.face_height
    assert augment.scaled(1.0) == augment


def test_every_baseline_has_its_recipes() -> None:
    """Six of v1 and six of ours for nine classes, four of v2 for each task."""
    baselines = set(NETS) - {"efficientlite-fpn"}
    assert {f"v1/{net}" for net in baselines} | baselines <= set(RECIPES)
    four = baselines - {"lraspp-mobilenetv3", "segformer-b2"}
    v2 = {f"v2/{net}-{task}" for net in four for task in ("fp", "ps")}
    assert v2 == {name for name in RECIPES if name.startswith("v2/")}
    for name in v2:
        assert Recipe.load(name).task == name[-2:] and Recipe.load(name).net == name[3:-3]


def test_the_recipes_of_v2_say_how_one_gpu_takes_their_batch() -> None:
    """32 pictures on each of eight."""
    for name in (n for n in RECIPES if n.startswith("v2/")):
        assert Machine(devices=8).share(Recipe.load(name).run.batch) == (32, 1)
        assert Machine(batch_per_device=32).share(Recipe.load(name).run.batch) == (32, 8)
        assert "--devices 1 --batch-per-device 32" in (FOLDER / f"{name}.toml").read_text()


def test_the_references_strength_weakens_its_colours_alone() -> None:
    augment = Recipe.load("v1/segformer-b0").augment
    assert isinstance(augment, Reference)
    assert augment.scaled(1.0) == augment
    none = augment.scaled(0.0)
    assert none.contrast == none.saturation == (1, 1) and none.hue == none.brightness == 0
    assert none.pad == augment.pad
