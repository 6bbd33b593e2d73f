from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1, RLELossless

from dicom.sop_classes import IMAGE_STORAGE, UNCOMPRESSED
from scp.network.negotiation import AcceptedContext, PresentationContext
from scp.services import storage_contexts
from scp.services.retrieve.contexts import CONTEXTS, Routes, find_context, plan_associations
from storage.query.retrieval import StoredObject

EXPLICIT, IMPLICIT = str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian)


def of(sop_class: str, syntax: str) -> StoredObject:
    return StoredObject(sop_class, "1.2.3", syntax, "x", 1)


def test_models_are_those_of_ps3_4_c_6():
    assert {context.abstract_syntax for context in CONTEXTS} == {
        "1.2.840.10008.5.1.4.1.2.1.2",
        "1.2.840.10008.5.1.4.1.2.2.2",
        "1.2.840.10008.5.1.4.1.2.1.3",
        "1.2.840.10008.5.1.4.1.2.2.3",
    }


def test_objects_are_taken_back_in_the_role_of_scp_alone():
    for sop_class in (*IMAGE_STORAGE, "1.2.840.10008.5.1.4.1.1.7", "1.3.12.2.1107.5.9.1"):
        context = find_context(sop_class)
        assert (context.abstract_syntax, context.as_scu, context.as_scp) == (sop_class, False, True)
        assert context.transfer_syntaxes[:2] == UNCOMPRESSED
    assert find_context(CTImageStorage).transfer_syntaxes == storage_contexts.IMAGE_TRANSFER_SYNTAXES
    assert find_context("1.2.840.10008.1.1") is None
    assert find_context("1.2.840.10008.5.1.4.1.2.2.1") is None


def test_each_syntax_has_a_context_of_its_own_and_what_is_left_one_more():
    kinds = [("1.2", RLELossless), ("1.1", IMPLICIT), ("1.2", JPEGLosslessSV1), ("1.3", EXPLICIT), ("1.3", IMPLICIT)]
    ((classes, proposals),) = plan_associations(kinds)
    assert classes == {"1.1", "1.2", "1.3"}
    assert proposals == [
        PresentationContext("1.1", (IMPLICIT,)),
        PresentationContext("1.1", (EXPLICIT,)),
        PresentationContext("1.2", (JPEGLosslessSV1,)),
        PresentationContext("1.2", (RLELossless,)),
        PresentationContext("1.2", UNCOMPRESSED),
        PresentationContext("1.3", (IMPLICIT,)),
        PresentationContext("1.3", (EXPLICIT,)),
    ]


def test_more_kinds_than_fit_one_association_take_several():
    kinds = [(f"1.2.{number}", syntax) for number in range(100) for syntax in (EXPLICIT, RLELossless)]
    plan = list(plan_associations(kinds))
    assert [len(proposals) for _, proposals in plan] == [126, 126, 48]
    assert frozenset.union(*(classes for classes, _ in plan)) == {sop_class for sop_class, _ in kinds}
    for classes, proposals in plan:
        assert {context.abstract_syntax for context in proposals} == classes


def test_nothing_needs_no_association():
    assert list(plan_associations([])) == []


def test_an_object_goes_as_it_is_where_it_can_else_uncompressed():
    contexts = [
        AcceptedContext(1, "1.2", IMPLICIT),
        AcceptedContext(3, "1.2", RLELossless),
        AcceptedContext(5, "1.2", EXPLICIT),
        AcceptedContext(7, "1.2", EXPLICIT),
        AcceptedContext(9, "1.3", RLELossless),
    ]
    routes = Routes(contexts)
    assert routes.choose(of("1.2", RLELossless)).context_id == 3
    assert routes.choose(of("1.2", IMPLICIT)).context_id == 1
    assert routes.choose(of("1.2", JPEGLosslessSV1)).context_id == 5
    assert routes.choose(of("1.3", JPEGLosslessSV1)) is None
    assert routes.choose(of("1.4", EXPLICIT)) is None
