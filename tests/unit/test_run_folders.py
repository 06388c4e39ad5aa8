"""Which folders a run may go on in."""

import dataclasses

import pytest
import yaml

from limner.errors import ConfigError
from limner.systems.scgan.presets import smoke
from limner.training import check_run_folder, plain


def test_a_run_that_is_older_than_an_option_goes_on_with_its_default(tmp_path):
    settings = plain(smoke())
    del settings["dataset"]["zoom"], settings["model"]["map_injection"]
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    assert check_run_folder(tmp_path, smoke(), resume=True)["dataset.zoom"] == 1.0
    other = dataclasses.replace(smoke(), dataset=dataclasses.replace(smoke().dataset, zoom=1.5))
    with pytest.raises(ConfigError, match=r"--dataset.zoom is 1.5, but the run .* was started with 1.0"):
        check_run_folder(tmp_path, other, resume=True)
