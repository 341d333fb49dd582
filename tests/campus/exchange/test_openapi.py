"""Does the service do what its description says, whatever is sent to it?"""

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from campus.exchange import service
from campus.exchange.parcel import MEDIA_TYPE, pack
from campus.exchange.store import Store
from tests.campus.exchange.conftest import BEDS, MEMBERS, RELEASED, Clock, answer
from tests.campus.exchange.served import InThread

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    ignored_auth,
    unsupported_method,
]
schemathesis.openapi.media_type(
    MEDIA_TYPE,
    st.one_of(
        st.binary(max_size=200),
        st.dictionaries(st.sampled_from([f"{BEDS}.ipynb", "data/a.csv", "../a", ""]), st.binary(max_size=20)).map(pack),
    ),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory, hub):
    """A service with an assignment, a submission and feedback on it, whose id is in the description as an example."""
    store = Store(tmp_path_factory.mktemp("openapi") / "exchange", None, Clock(), people=lambda: MEMBERS).ensure()
    exchange = InThread(store, hub)
    exchange.remote("tara").release(BEDS, RELEASED)
    exchange.id = exchange.remote("asha").submit(BEDS, answer())["id"]
    exchange.remote("tara").give_feedback(exchange.id, {"bed-days.html": b"Well done."})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "WAIT_SECONDS", 0.01)
        yield exchange
    exchange.close()
    store.close()


@pytest.fixture(scope="module")
def description(served):
    """What the service says of itself, with examples that are there."""
    found = served.ask("GET", "openapi.json").json()
    found["components"]["parameters"]["id"]["example"] = served.id
    return schemathesis.openapi.from_dict(found)


OPERATIONS = [
    (path, verb)
    for path, verbs in yaml.safe_load(service.OPENAPI.read_text())["paths"].items()
    for verb in sorted(set(verbs) & {"get", "put", "post", "delete"})
]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "verb"), OPERATIONS)
@pytest.mark.parametrize("who", ["tara", "asha"])
def test_does_it_do_what_it_says(served, description, who, path, verb, mode):
    operation = description[path][verb]

    @settings(
        max_examples=8,
        phases=[Phase.explicit, Phase.generate],
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case):
        case.call_and_validate(served.url, headers={"Authorization": f"token token-of-{who}"}, checks=CHECKS)

    ask()


def test_is_each_address_described_with_each_of_its_methods(served):
    described = served.ask("GET", "openapi.json").json()["paths"]
    paths = [sorted(set(methods) & {"get", "put", "post", "delete"}) for methods in described.values()]
    served_by = [sorted(route[1].does) for route in service.api_routes("/") if route[1] is not service.OpenApiHandler]
    assert paths == served_by
