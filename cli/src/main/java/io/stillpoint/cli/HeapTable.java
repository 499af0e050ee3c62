package io.stillpoint.cli;

import io.stillpoint.platform.MemoryBudget;

/// Prints how large Java's heap should be with 1 to `arguments[0]` processors, each in a line, in bytes: the `stillpoint`
/// script starts Java with what it finds there.
final class HeapTable {
    private HeapTable() {}

    public static void main(String[] arguments) {
        for (int processors = 1; processors <= Integer.parseInt(arguments[0]); processors++) {
            System.out.println(MemoryBudget.heapFor(processors));
        }
    }
}
