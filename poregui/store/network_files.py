"""Look into the ONNX file of a network before anything of it is run.

The file is a protobuf message. Its fields are walked here, so that ONNX Runtime is never given one
that holds more than a network of poregui does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MOST_BYTES_OF_A_NETWORK = 512 << 20


def check_network(content: bytes) -> bytes:
    """Return the content of an ONNX file that holds a graph and nothing that no run writes."""
    fault = fault_of_network(content)
    if fault:
        raise ValueError(fault)
    return content


_KINDS = (
    "Abs Add AveragePool BatchNormalization Cast Clip Concat Conv DepthToSpace Div Dropout Elu Exp "
    "Flatten Gemm GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish Identity LeakyRelu Log "
    "LogSoftmax MatMul Max MaxPool Min Mul Neg PRelu Pow Reciprocal ReduceMax ReduceMean "
    "ReduceSum Relu Reshape Sigmoid Sign Softmax Softplus Sqrt Squeeze Sub Sum Tanh Transpose "
    "Unsqueeze"
)
OPERATIONS = frozenset(_KINDS.split())
"""Operations that a network may have: each gives one answer in a time that its sizes tell. None
repeats others, holds a graph of its own, makes large tensors of small ones, or reads a file.
"""
_OWN_MAKER = ("", "ai.onnx")
_TREES = "TreeEnsembleRegressor"
_MAKER_OF_TREES = "ai.onnx.ml"


def fault_of_network(content: bytes) -> str:
    """Say why content is no ONNX file of a network that may be run, empty where it is one.

    Nothing of it is run for that, nor is another file opened.
    """
    if len(content) > MOST_BYTES_OF_A_NETWORK:
        return "is too large"
    graphs = 0
    try:
        for field, value in _fields(content):
            if field == _FUNCTION:
                return "has functions of its own"
            if field == _GRAPH and isinstance(value, bytes):
                graphs += 1
                fault = _fault_of_graph(value)
                if fault:
                    return fault
    except (ValueError, IndexError):
        return "is damaged"
    if graphs != 1:
        return "is damaged"
    return ""


def _fault_of_graph(content: bytes) -> str:
    for field, value in _fields(content):
        fault = ""
        if field == _NODE:
            fault = _fault_of_operation(_bytes(value))
        elif field == _WEIGHTS:
            fault = _fault_of_weights(_bytes(value))
        elif field == _SPARSE_WEIGHTS:
            fault = "has weights of a kind that no network of poregui has"
        if fault:
            return fault
    return ""


def _fault_of_operation(content: bytes) -> str:
    kind = maker = ""
    attributes = []
    for field, value in _fields(content):
        if field == _KIND:
            kind = _bytes(value).decode("utf-8", "replace")
        elif field == _MAKER:
            maker = _bytes(value).decode("utf-8", "replace")
        elif field == _ATTRIBUTE:
            attributes.append(_bytes(value))
            holds = {inner for inner, _ in _fields(attributes[-1])}
            if holds & _NO_PLAIN_VALUE:
                return f"uses the operation {kind or 'of no name'}, which no network of poregui has"
    if (kind, maker) == (_TREES, _MAKER_OF_TREES):
        return _fault_of_trees(attributes)
    if kind not in OPERATIONS or maker not in _OWN_MAKER:
        name = ".".join(word for word in (maker, kind) if word)[:60]
        return f"uses the operation {name}, which no network of poregui has"
    return ""


def _fault_of_trees(attributes: Sequence[bytes]) -> str:
    """Say whether a branch leads back, so that an answer might never come.

    Our branches lead to nodes of higher numbers, and nodes are numbered in their order.
    """
    lists: dict[str, list[int | bytes]] = {}
    for content in attributes:
        name = ""
        values = []
        for field, value in _fields(content):
            if field == _NAME:
                name = _bytes(value).decode("utf-8", "replace")
            elif field in (_INTS, _STRINGS):
                values.append(value)
        lists[name] = values
    names = ("nodes_modes", "nodes_treeids", "nodes_nodeids", "nodes_truenodeids")
    rows = [lists.get(name, []) for name in (*names, "nodes_falsenodeids")]
    if len({len(row) for row in rows}) != 1:
        return _NO_TREES
    last: tuple[int | bytes, int | bytes] | None = None
    for mode, tree, node, yes, no in zip(*rows, strict=True):
        numbers = (tree, node, yes, no)
        if not all(isinstance(number, int) for number in numbers) or last == (tree, node):
            return _NO_TREES
        last = (tree, node)
        if mode not in (b"LEAF", b"BRANCH_LEQ"):
            return _NO_TREES
        if mode != b"LEAF" and not (yes > node and no > node):
            return _NO_TREES
    return ""


def _fault_of_weights(content: bytes) -> str:
    for field, value in _fields(content):
        if field == _LIES_ELSEWHERE or (field == _WHERE and value != 0):
            return "has weights in another file"
    return ""


_VARINT = 0
_EIGHT = 1
_BYTES = 2
_FOUR = 5
"""Kinds of fields in protobuf."""
_GRAPH = 7
_FUNCTION = 25
_NODE = 1
_WEIGHTS = 5
_SPARSE_WEIGHTS = 15
_KIND = 4
_ATTRIBUTE = 5
_MAKER = 7
_NAME = 1
_INTS = 8
_STRINGS = 9
_NO_TREES = "has trees of a kind that no run of poregui has"
_LIES_ELSEWHERE = 13
_WHERE = 14
_NO_PLAIN_VALUE = {5, 6, 10, 11, 14, 15, 22, 23}
"""Numbers of the fields of an ONNX model, its graph, an operation, weights; and of those of an
attribute that holds tensors, graphs or types.
"""


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("no content")
    return value


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of the fields of a protobuf message.

    Raises ValueError or IndexError when one is not whole.
    """
    index = 0
    while index < len(content):
        tag, index = _varint(content, index)
        kind = tag & 7
        if kind == _VARINT:
            value, index = _varint(content, index)
            yield tag >> 3, value
            continue
        size = {_EIGHT: 8, _FOUR: 4}.get(kind)
        if kind == _BYTES:
            size, index = _varint(content, index)
        if size is None or index + size > len(content):
            raise ValueError("cut short")
        yield tag >> 3, content[index : index + size]
        index += size


def _varint(content: bytes, index: int) -> tuple[int, int]:
    """Return a number of protobuf's own kind and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = content[index]
        index += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, index
    raise ValueError("no number")
