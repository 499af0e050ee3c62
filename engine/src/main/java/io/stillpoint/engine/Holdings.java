package io.stillpoint.engine;

import io.stillpoint.platform.StillpointException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/// What a job holds outside of itself, in the order in which it was taken. It is let go of in the other order: each piece is
/// released, or left as it is for another process.
final class Holdings {
    private final Deque<Piece> pieces = new ArrayDeque<>();

    /// @param release ends it
    /// @param leave lets go of it and leaves it where it is
    private record Piece(Runnable release, Runnable leave) {}

    void add(Runnable release, Runnable leave) {
        pieces.push(new Piece(release, leave));
    }

    /// Releases all, whatever fails.
    ///
    /// @param attempt runs a release
    void release(Consumer<Runnable> attempt) {
        while (!pieces.isEmpty()) {
            attempt.accept(pieces.pop().release());
        }
    }

    /// Releases all after a failure, which says more than those of releasing.
    void releaseAfter(Throwable failure) {
        release(action -> run(action, failure));
    }

    /// Releases all, and throws the first failure.
    void releaseOrThrow() {
        List<StillpointException> failures = new ArrayList<>();
        release(action -> {
            try {
                action.run();
            } catch (StillpointException e) {
                failures.add(e);
            }
        });
        if (!failures.isEmpty()) {
            StillpointException first = failures.removeFirst();
            failures.forEach(first::addSuppressed);
            throw first;
        }
    }

    /// Leaves all as it is.
    void leaveAfter(Throwable failure) {
        while (!pieces.isEmpty()) {
            run(pieces.pop().leave(), failure);
        }
    }

    private static void run(Runnable action, Throwable failure) {
        try {
            action.run();
        } catch (StillpointException e) {
            failure.addSuppressed(e);
        }
    }
}
