"""Published weights: the user's file, the cache, a download that was asked for, and refusals."""

from __future__ import annotations

import dataclasses
import hashlib
import re

import pytest

from limner import hub
from limner.errors import ConfigError, WeightsError


@pytest.fixture
def small(tmp_path, monkeypatch):
    """AlexNet's entry, pointing to a small file on this disk; the cache is an empty folder."""
    source = tmp_path / "away" / "alexnet.pth"
    source.parent.mkdir()
    source.write_bytes(b"weights" * 300_000)
    published = dataclasses.replace(
        hub.PUBLISHED["alexnet"],
        url=source.as_uri(),
        sha256=hashlib.sha256(source.read_bytes()).hexdigest(),
        size_bytes=source.stat().st_size,
    )
    monkeypatch.setitem(hub.PUBLISHED, "alexnet", published)
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    return source


def test_a_file_of_the_user(small, tmp_path):
    found = hub.published_file("alexnet", small)
    assert found == hub.WeightsFile(small, hashlib.sha256(small.read_bytes()).hexdigest(), True)
    other = tmp_path / "other.pth"
    other.write_bytes(b"mine")
    assert not hub.published_file("alexnet", other).is_published
    with pytest.raises(WeightsError, match=r"no file .*none\.pth with the weights of AlexNet"):
        hub.published_file("alexnet", tmp_path / "none.pth")


def test_nothing_is_downloaded_unless_asked_for(small, tmp_path):
    with pytest.raises(ConfigError, match=r"AlexNet are not on this machine: name the file alexnet\.pth \(2 MB, file:"):
        hub.published_file("alexnet")
    assert not (tmp_path / "cache").exists()


def test_a_download_is_kept(small, tmp_path):
    blocks = []

    def progress(iterable, **options):
        blocks.append(options)
        return iterable

    found = hub.published_file("alexnet", download=True, progress=progress)
    assert found.path == tmp_path / "cache" / "weights" / "alexnet.pth"
    assert found.path.read_bytes() == small.read_bytes()
    assert blocks == [{"total": 3, "unit": "MB", "desc": "alexnet.pth"}]
    small.unlink()
    assert hub.published_file("alexnet") == found
    found.path.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="is damaged"):
        hub.published_file("alexnet")


def test_offline_and_another_file_leave_nothing_behind(small, tmp_path):
    small.write_bytes(b"another file")
    with pytest.raises(WeightsError, match="is not the published file: its SHA-256 differs"):
        hub.published_file("alexnet", download=True)
    small.unlink()
    with pytest.raises(WeightsError, match=r"cannot be downloaded: .*; fetch it elsewhere and name the file"):
        hub.published_file("alexnet", download=True)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_an_unknown_network_suggests_the_nearest():
    with pytest.raises(ConfigError, match='Did you mean "vgg19"'):
        hub.published_file("vgg-19")


@pytest.mark.parametrize("name", hub.PUBLISHED)
def test_entries_are_whole(name):
    published = hub.PUBLISHED[name]
    assert published.url.startswith("https://")
    assert re.fullmatch("[0-9a-f]{8,64}", published.sha256)
    assert published.sha256[:8] in published.file_name  # as their publishers name files
    assert published.size_bytes > 50e6 and published.license
