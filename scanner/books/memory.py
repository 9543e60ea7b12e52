"""Memory as a C program would use it: what compiled code sees of the arrays.

A view is an address that is indexed, and nothing more: numba's own arrays are seven numbers each,
their references are counted, the sign of every index is looked at, and elements move one by one.
Here the caller vouches for the index. With ``NUMBA_BOUNDSCHECK=1`` all of it goes through arrays
and checked indexing instead, so that a test can see that the callers keep their word.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import carray
from numba.core import cgutils
from numba.extending import intrinsic

from scanner.books.jit import CHECKED, inlined, pointer

WORD = ir.IntType(64)
# Of a cache line, in bytes, and of what most arrays hold.
LINE, ELEMENT = 64, 8


@intrinsic  # type: ignore[untyped-decorator]
def _view(typing_context: Any, address: Any, dtype: Any) -> Any:
    elements = numba.types.CPointer(dtype.instance_type)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(elements))

    return elements(address, dtype), code


@intrinsic  # type: ignore[untyped-decorator]
def _word(typing_context: Any, text: Any, i: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.gep(arguments[0], [arguments[1]])
        return builder.load(builder.bitcast(place, WORD.as_pointer()), align=1)

    return numba.types.uint64(text, i), code


@intrinsic  # type: ignore[untyped-decorator]
def _put_word(typing_context: Any, text: Any, i: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.gep(arguments[0], [arguments[1]])
        builder.store(arguments[2], builder.bitcast(place, WORD.as_pointer()), align=1)
        return context.get_dummy_value()

    return numba.types.void(text, i, numba.types.uint64), code


@intrinsic  # type: ignore[untyped-decorator]
def _move(typing_context: Any, array: Any, to: Any, start: Any, count: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data, to, start, count = arguments
        target, source = (builder.gep(data, [place]) for place in (to, start))
        size = context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))
        length = builder.mul(count, context.get_constant(numba.types.intp, size))
        cgutils.raw_memmove(builder, target, source, length, 1)
        return context.get_dummy_value()

    return numba.types.void(array, numba.types.intp, numba.types.intp, numba.types.intp), code


@intrinsic  # type: ignore[untyped-decorator]
def _trailing_zeros(typing_context: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return numba.types.int64(numba.types.uint64), code


@intrinsic  # type: ignore[untyped-decorator]
def _prefetch(typing_context: Any, address: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        to_read, often, data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(fetch, [builder.inttoptr(arguments[0], pointer), to_read, often, data])
        return context.get_dummy_value()

    return numba.types.void(address), code


if CHECKED:

    @inlined
    def view(address: Any, count: Any, dtype: Any) -> Any:
        return carray(pointer(address), count, dtype)

    @inlined
    def word(text: Any, i: Any) -> Any:
        value = np.uint64(0)
        for k in range(8):
            value |= np.uint64(text[i + k]) << np.uint64(8 * k)
        return value

    @inlined
    def put_word(text: Any, i: Any, value: Any) -> Any:
        for k in range(8):
            text[i + k] = (value >> np.uint64(8 * k)) & np.uint64(255)

    @inlined
    def move(array: Any, to: Any, start: Any, count: Any) -> Any:
        if to < start:
            for k in range(count):
                array[to + k] = array[start + k]
        else:
            for k in range(count - 1, -1, -1):
                array[to + k] = array[start + k]

    @inlined
    def fetch(table: Any, number: Any, first: Any, count: Any) -> Any:
        return None

else:

    @inlined
    def view(address: Any, count: Any, dtype: Any) -> Any:
        """The ``count`` elements at an address; indexed with ``0 <= i < count``, and nothing
        else."""
        return _view(address, dtype)

    @inlined
    def word(text: Any, i: Any) -> Any:
        """The bytes ``text[i : i + 8]``, all of them there, as a little-endian number."""
        return _word(text, i)

    @inlined
    def put_word(text: Any, i: Any, value: Any) -> Any:
        """Write eight bytes at ``i``."""
        _put_word(text, i, value)

    @inlined
    def move(array: Any, to: Any, start: Any, count: Any) -> Any:
        """Copy ``count`` elements from ``start`` to ``to``; they may overlap."""
        _move(array, to, start, count)

    @inlined
    def fetch(table: Any, number: Any, first: Any, count: Any) -> Any:
        """``count`` elements of 64 bits from the ``first`` on, which begins a cache line, of the
        array on a slot of a table will be asked for soon."""
        address = table[2 * number] + first * ELEMENT
        for k in range(0, count * ELEMENT, LINE):
            _prefetch(address + k)


@inlined
def slot(table: Any, number: Any, dtype: Any) -> Any:
    """The array that hangs on a slot of a table of (address, length) pairs."""
    return view(table[2 * number], table[2 * number + 1], dtype)


@inlined
def bytes_below(value: Any) -> Any:
    """How many bytes of a word come before its first set bit; 8 if there is none."""
    return _trailing_zeros(value) >> 3
