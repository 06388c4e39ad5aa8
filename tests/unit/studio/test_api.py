"""The whole way through the API, with a real worker and tiny random weights."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import limner
from limner.data.image_io import noted_schema, save_label_map
from limner.data.schema import get_schema
from limner.systems.painter.strokes import StrokeDocument, StrokeList

API = "/api/v1"


def label_map_png(size: int = 64) -> bytes:
    ids = np.zeros((size, size), np.uint8)
    ids[16:48, 16:48] = 1
    buffer = io.BytesIO()
    save_label_map(buffer, ids, get_schema("celebamask-19"))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[Any]:
    from fastapi.testclient import TestClient

    from limner.studio.front import Front
    from limner.studio.settings import Settings

    before = os.environ.get("LIMNER_WEIGHTS")
    os.environ["LIMNER_WEIGHTS"] = str(tiny_weights.parent)
    settings = Settings(workspace=tmp_path_factory.mktemp("workspace"), requests_per_second=10_000)
    with TestClient(Front(settings), base_url="http://127.0.0.1:7860") as client:
        yield client
    if before is None:
        os.environ.pop("LIMNER_WEIGHTS")
    else:
        os.environ["LIMNER_WEIGHTS"] = before


@pytest.fixture
def client(app: Any) -> Any:
    app.cookies.clear()
    assert app.post(f"{API}/sessions").status_code == 201
    return app


def studio_of(client: Any) -> Any:
    return client.app.studio


def upload(client: Any, content: bytes, media: str = "image/png", **query: str) -> Any:
    return client.post(f"{API}/assets", params=query, content=content, headers={"content-type": media})


def drawn(client: Any, **body: Any) -> dict[str, Any]:
    name = upload(client, label_map_png()).json()["id"]
    made = client.post(f"{API}/systems/scgan/generate?wait=30", json={"label_map": name, **body})
    for _ in range(20):
        if made.status_code == 200 and made.json()["state"] in ("done", "failed"):
            break
        made = client.get(f"{API}/jobs/{made.json()['id']}?wait=30")
    assert made.json()["state"] == "done", made.text
    return dict(made.json())


def test_a_preview_is_the_pipelines_picture(client: Any, tiny_weights: Path) -> None:
    job = drawn(client, attributes={"Male": 1}, seed=5)
    shown = client.get(job["result"]["images"][0])
    assert shown.headers["content-type"] == "image/png"
    wanted = limner.load(str(tiny_weights))(Image.open(io.BytesIO(label_map_png())), {"Male": 1}, seed=5).images[0]
    found = np.asarray(Image.open(io.BytesIO(shown.content)), np.int16)
    assert np.abs(found - np.asarray(wanted, np.int16)).max() <= 1  # another number of threads may round otherwise
    assert client.get(f"{API}/results").json() == []


def test_a_kept_result_has_all_that_makes_it_again(client: Any) -> None:
    job = drawn(client, seed=3, num_images=2, mode="keep", name="Long hair")
    base = f"{API}/results/{job['id']}"
    found = client.get(base).json()
    assert found["name"] == "Long hair" and len(found["images"]) == 2 and found["seeds"] == [3, 4]
    words = client.get(f"{base}/command").json()["command"]
    assert words.startswith("limner generate scgan --weights scgan-people-64 --label-map label_map.png --seed 3")
    assert "seed=3, num_images=2" in client.get(f"{base}/python").json()["python"]
    packed = zipfile.ZipFile(io.BytesIO(client.get(f"{base}/archive.zip").content))
    names = set(packed.namelist())
    assert {"label_map.png", "pictures/result.json", "draw-again.sh", "draw_again.py"} <= names
    assert json.loads(packed.read("pictures/result.json"))["system"] == "scgan"
    assert [one["id"] for one in client.get(f"{API}/results").json()] == [job["id"]]
    assert client.delete(base).status_code == 204
    assert client.get(base).status_code == 404


def test_sessions_do_not_see_each_other(client: Any) -> None:
    job = drawn(client, mode="keep")
    name = upload(client, label_map_png()).json()["id"]
    other = client.post(f"{API}/sessions").json()["id"]
    headers = {"limner-session": other}
    for path in (
        f"/jobs/{job['id']}",
        f"/results/{job['id']}",
        f"/assets/{name}",
        f"/results/{job['id']}/images/0.png",
    ):
        assert client.get(API + path, headers=headers).status_code == 404
    assert client.delete(f"{API}/jobs/{job['id']}", headers=headers).status_code == 404
    asked = client.post(f"{API}/systems/scgan/generate", json={"label_map": name}, headers=headers)
    assert asked.status_code == 422 and asked.json()["field"] == "label_map"


def test_forms_come_from_the_systems(client: Any) -> None:
    names = {one["name"] for one in client.get(f"{API}/systems").json()}
    assert {"scgan", "maskface", "portrait", "painter", "lgcgan"} <= names
    system = client.get(f"{API}/systems/scgan").json()
    assert system["weights"][0]["schema"]["classes"][0] == "background"
    called = dict(zip(system["weights"][0]["schema"]["classes"], system["weights"][0]["titles"], strict=True))
    assert [called[name] for name in ("u_lip", "l_eye", "eye_g", "r_ear", "ear_r", "neck_l", "hair")] == [
        *("upper lip", "left eye", "glasses", "right ear", "earring", "necklace", "hair")
    ]
    form = {one["name"]: one for one in system["operations"]}["generate"]
    assert (
        form["controls"]["label_map"] == "label-map"
        and "Male" in form["schema"]["properties"]["attributes"]["properties"]
    )
    assert "missing" in client.get(f"{API}/systems/spade").json()


@pytest.mark.parametrize(
    "status, path, body",
    [
        (422, "scgan/generate", {}),
        (422, "scgan/generate", {"label_map": "x"}),
        (422, "scgan/generate", {"label_map": "a" * 64}),
        (422, "scgan/generate", {"label_map": "a" * 64, "seed": -1}),
        (422, "scgan/generate", {"mode": "other"}),
        (422, "scgan/generate", []),
        (404, "scgan/nothing", {}),
        (404, "nothing/generate", {}),
        (503, "spade/generate", {}),
        (422, "scgan/generate", {"weights": "../../etc"}),
    ],
)
def test_wrong_requests_are_refused_in_one_sentence(client: Any, status: int, path: str, body: Any) -> None:
    found = client.post(f"{API}/systems/{path}", json=body)
    problem = found.json()
    assert found.status_code == status == problem["status"], found.text
    assert found.headers["content-type"] == "application/problem+json"
    assert problem["detail"] and "\n" not in problem["detail"] and "/tmp" not in problem["detail"]


def test_uploads_are_decoded_and_lose_their_metadata(client: Any) -> None:
    picture, buffer = Image.new("RGB", (40, 30), "red"), io.BytesIO()
    exif = picture.getexif()
    exif[0x010E] = "secret place"
    picture.save(buffer, "JPEG", exif=exif)
    made = upload(client, buffer.getvalue(), "image/jpeg", name="me.jpg")
    assert made.status_code == 201 and made.json()["width"] == 40 and made.json()["kind"] == "photo"
    shown = client.get(f"{API}/assets/{made.json()['id']}")
    assert shown.headers["content-type"] == "image/png" and b"secret" not in shown.content
    for content in (b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", label_map_png()[:60]):
        refused = upload(client, content, name="x.png")
        assert refused.status_code == 422 and refused.json()["detail"].startswith("x.png"), refused.text
    assert upload(client, b"x", "image/svg+xml").status_code == 415


def test_a_kept_job_survives_a_killed_server(client: Any) -> None:
    """What lies in a job file when the server is killed is drawn by the next one, once."""
    from limner.studio.front import Front
    from limner.studio.settings import Settings

    studio = studio_of(client)
    session = studio.workspace.get(client.get(f"{API}/sessions").json()["id"])
    name = upload(client, label_map_png()).json()["id"]
    identity = session.new_id()
    values = {"label_map": name, "seed": 9}
    request = {"system": "scgan", "operation": "generate", "weights": None, "values": values, "title": "left behind"}
    session.write_job({"id": identity, "begun": 1, **request})
    twice = session.new_id()
    session.write_job({"id": twice, "begun": 2, **request})

    from fastapi.testclient import TestClient

    again = Front(Settings(workspace=studio.settings.workspace, requests_per_second=10_000))
    with TestClient(again, base_url="http://127.0.0.1:7860") as second:
        headers = {"limner-session": session.id}
        for _ in range(4):
            if second.get(f"{API}/jobs/{identity}?wait=30", headers=headers).json()["state"] == "done":
                break
        found = second.get(f"{API}/results/{identity}", headers=headers).json()
        assert found["name"] == "left behind" and found["seeds"] == [9]
        lost = second.get(f"{API}/jobs/{twice}", headers=headers).json()
        assert lost["state"] == "failed" and "ended twice" in lost["error"]["detail"]
    assert not list((session.folder / "jobs").iterdir())


def test_a_server_that_forgot_a_job_knows_it_by_its_result(client: Any) -> None:
    job = drawn(client, seed=2, mode="keep")
    studio_of(client).jobs.forget(0)
    found = client.get(f"{API}/jobs/{job['id']}").json()
    assert {key: found[key] for key in ("state", "result", "name")} == {
        key: job[key] for key in ("state", "result", "name")
    }
    assert client.delete(f"{API}/jobs/{job['id']}").json()["state"] == "done"  # the result stays
    assert client.get(found["result"]["images"][0]).status_code == 200


def test_kept_results_are_plain_values(client: Any) -> None:
    """Torch's version is of a class of torch: a server that got it from its worker imported torch, 180 MB of it."""
    job = drawn(client, mode="keep")
    result = studio_of(client).jobs.known[job["id"]].result
    assert {type(value) for value in result["provenance"].values()} <= {str, int, float, bool, dict, list, type(None)}


def test_a_deleted_session_leaves_nothing(client: Any) -> None:
    session = client.get(f"{API}/sessions").json()["id"]
    drawn(client, mode="keep")
    folder = studio_of(client).workspace.get(session).folder
    assert folder.is_dir() and client.delete(f"{API}/sessions").status_code == 204
    assert not folder.exists() and client.get(f"{API}/jobs").status_code == 403
    assert not [job for job in studio_of(client).jobs.known.values() if job.session == session]


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "PNG", "WEBP"])
def test_uploads_come_through_the_door_for_files(client: Any, kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 7), (250, 0, 0)).save(buffer, kind, **({"lossless": True} if kind == "WEBP" else {}))
    made = upload(client, buffer.getvalue(), f"image/{kind.lower()}")
    assert made.status_code == 201, made.text
    shown = client.get(f"{API}/assets/{made.json()['id']}").content
    assert Image.open(io.BytesIO(shown)).getpixel((3, 3)) == (250, 0, 0)


def test_uploads_that_are_too_large_or_move_are_refused(client: Any) -> None:
    buffer, moving = io.BytesIO(), io.BytesIO()
    Image.new("1", (8200, 2)).save(buffer, "PNG")
    frames = [Image.new("L", (4, 4), grey) for grey in (0, 255)]
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:])
    for content, words in ((buffer.getvalue(), "sides of at most 8192"), (moving.getvalue(), "several frames")):
        refused = upload(client, content, name="x.png")
        assert refused.status_code == 422 and words in refused.json()["detail"], refused.text


def test_a_schema_is_no_file_of_the_server(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(get_schema("celebamask-19").to_json()))
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "PNG")
    for schema, status in (("celebamask-19", 201), (str(path), 422)):
        asked = {"kind": "label_map", "name": "map.png", "schema": schema}
        headers = {"content-type": "image/png"}
        refused = client.post(f"{API}/assets", params=asked, content=buffer.getvalue(), headers=headers)
        assert refused.status_code == status, refused.text
    assert refused.status_code == 422 and str(tmp_path) not in refused.text


def grey_png(ids: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(ids, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_maps_that_do_not_say_their_classes_are_asked_for_them_and_converted(client: Any) -> None:
    known = {one["name"]: one for one in client.get(f"{API}/schemas").json()}
    assert known["bisenet-19"]["classes"][:2] == ["background", "skin"]
    assert "celebamask-19" in known["bisenet-19"]["becomes"]
    assert "celebamask-19" not in known["ccp-59"]["becomes"] and "ccp-59" not in known["ccp-59"]["becomes"]
    hair = known["bisenet-19"]["classes"].index("hair")
    content, about = grey_png(np.full((8, 8), hair)), {"kind": "label_map", "name": "mine.png"}
    refused = upload(client, content, **about)
    assert refused.status_code == 422 and refused.json()["field"] == "schema", refused.text
    assert refused.json()["detail"].startswith("mine.png does not say")
    made = upload(client, content, **about, schema="bisenet-19", to="celebamask-19").json()
    assert made["schema"] == "celebamask-19"
    found = Image.open(io.BytesIO(client.get(f"{API}/assets/{made['id']}").content))
    assert noted_schema(found) == get_schema("celebamask-19")
    assert set(np.unique(found)) == {known["celebamask-19"]["classes"].index("hair")}
    # What a file says of itself wins.
    assert upload(client, label_map_png(), **about, schema="bisenet-19").json()["schema"] == "celebamask-19"


@pytest.mark.parametrize(
    "level, query, words",
    [
        (1, {"schema": "ccp-59", "to": "celebamask-19"}, "has no counterpart there"),
        (60, {"schema": "celebamask-19"}, "60"),
        (1, {"schema": "celebamask"}, "There is no such label schema. Did you mean"),
        (1, {"schema": "celebamask-19", "to": "x"}, "There is no such label schema"),
    ],
)
def test_schemas_that_cannot_be_are_refused_in_one_sentence(client: Any, level: int, query: Any, words: str) -> None:
    refused = upload(client, grey_png(np.full((8, 8), level)), kind="label_map", name="map.png", **query)
    assert refused.status_code == 422 and words in refused.json()["detail"], refused.text
    assert "\n" not in refused.json()["detail"]


def test_a_painting_is_saved_as_svg_and_never_shown(client: Any) -> None:
    """As the painter's are; its weights are not here, so that a result of another system stands in."""
    job = drawn(client, mode="keep")
    base, session = f"{API}/results/{job['id']}", client.get(f"{API}/sessions").json()["id"]
    assert client.get(base).json()["titles"]["num_images"] == "pictures", "as forms call it"
    assert "svg" not in client.get(base).json() and client.get(f"{base}/painting.svg").status_code == 404
    strokes = StrokeDocument(StrokeList.from_params(np.full((1, 13), 0.4)), (16, 16))
    folder = studio_of(client).workspace.get(session).result_folder(job["id"])
    (folder / "pictures" / "0.strokes.json").write_text(strokes.to_json())
    about = json.loads((folder / "about.json").read_text())
    about["request"] |= {"system": "painter", "operation": "paint"}
    (folder / "about.json").write_text(json.dumps(about))
    found = client.get(client.get(base).json()["svg"])
    assert found.headers["content-type"].startswith("image/svg+xml") and found.text.startswith("<svg")
    assert found.headers["content-disposition"] == 'attachment; filename="painting.svg"'
    assert found.headers["x-content-type-options"] == "nosniff"


def test_reports_and_cards_are_read_as_blocks(tmp_path: Path) -> None:
    from fastapi.testclient import TestClient

    from limner.studio.front import Front
    from limner.studio.settings import Settings

    (tmp_path / "run.md").write_text("# A run\n\n| a |\n|---|\n| 1 |\n")
    (tmp_path / "run.json").write_text('{"fid": 1}')
    client = TestClient(Front(Settings(workspace=tmp_path / "w", reports=tmp_path)), base_url="http://127.0.0.1:7860")
    names = {one["name"]: one["title"] for one in client.get(f"{API}/reports").json()}
    card = next(name for name in names if name.startswith("card-"))
    assert names["run.md"] == "run.md" and names[card] == f"card of {card[5:]}"
    kinds = {name: [one["kind"] for one in client.get(f"{API}/reports/{name}").json()["blocks"]] for name in names}
    assert kinds["run.md"] == ["heading", "table"] and kinds["run.json"] == ["code"] and "heading" in kinds[card]
    assert client.get(f"{API}/reports/card-nothing").status_code == 404


def test_half_a_surrogate_pair_is_no_fault(client: Any) -> None:
    text = '{"attributes": {"\\ud800": 1}, "label_map": "%s"}' % ("a" * 64)
    headers = {"content-type": "application/json"}
    refused = client.post(f"{API}/systems/scgan/generate", content=text, headers=headers)
    assert refused.status_code == 422 and refused.json()["field"] == "attributes"


def test_events_tell_of_every_change(client: Any) -> None:
    drawn(client, seed=1)
    headers = {"last-event-id": "0"}
    text = client.get(f"{API}/events?limit=2&seconds=5", headers=headers).text
    states = [json.loads(line[6:])["state"] for line in text.splitlines() if line.startswith("data:")]
    assert states[0] == "queued" and len(states) == 2


def test_health_metrics_and_headers(client: Any) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert "limner_jobs_queued 0" in client.get("/metrics").text
    page = client.get(f"{API}/about")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.json()["limits"]["max_pixels"] == 24_000_000
    assert page.json()["runtime"] == "auto"
    assert client.get("/nothing").status_code == 404
    assert client.put(f"{API}/about").status_code == 405


def test_a_body_comes_with_its_pose_and_a_face_with_its_map(client: Any) -> None:
    body = client.post(f"{API}/people", json={"kind": "body", "seed": 1}).json()
    pose = client.get(f"{API}/assets/{body['keypoints']['id']}").json()
    assert pose == body["keypoints"]["pose"] and len(pose["points"]) == 18 and pose["width"] == body["photo"]["width"]
    face = client.post(f"{API}/people", json={"kind": "face", "seed": 1}).json()
    begins = {one["title"]: one for one in face["begins"]}
    assert begins["Draw"]["values"] == {"label_map": face["label_map"]["id"]} and begins["Draw"]["system"] == "scgan"
    for one in body["begins"]:  # of weights that take a whole body, where there are any
        assert one["values"].items() >= {"photo": body["photo"]["id"], "pose": body["keypoints"]["id"]}.items()
    assert "keypoints" not in face and face["captions"] and face["label_map"]["schema"] == "celebamask-19"


def test_only_previews_of_photos_have_a_found_map(client: Any) -> None:
    job = drawn(client)
    assert "label_map" not in job["result"] and len(job["result"]["names"]) == 1
    assert client.get(f"{API}/results/{job['id']}/label-map.png").status_code == 404


def test_what_a_person_can_begin_is_in_the_fields() -> None:
    from limner.operations import Keypoints, LabelMap, Operation, Photo
    from limner.studio.catalogue import _start

    pose = {"photo": Photo(is_required=True, shows="body"), "pose": Keypoints(is_required=True)}
    assert _start(Operation("x", "plan", "X", pose), "body") == {"photo": "photo", "pose": "keypoints"}
    assert _start(Operation("x", "plan", "X", pose), "face") == {}
    assert _start(Operation("x", "plan", "X", {"map": LabelMap(is_required=True)}), "face") == {"map": "label_map"}
    assert _start(Operation("x", "plan", "X", {"photo": Photo()}), "face") == {}
