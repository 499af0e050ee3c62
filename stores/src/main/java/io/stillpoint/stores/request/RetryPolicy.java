package io.stillpoint.stores.request;

import java.time.Duration;

/// How often and how patiently a request is tried again.
///
/// @param attempts all in all, at least 1
/// @param first the longest wait before the second attempt; doubled for each further one
/// @param longest no wait is longer, whatever the server asks for
public record RetryPolicy(int attempts, Duration first, Duration longest) {
    /// Bridges about a minute.
    public static final RetryPolicy DEFAULT =
            new RetryPolicy(9, Duration.ofMillis(400), Duration.ofSeconds(30));

    public RetryPolicy {
        if (attempts < 1) {
            throw new IllegalArgumentException("attempts " + attempts);
        }
    }

    Duration ceiling(int attempt) {
        Duration wait = first;
        for (int i = 1; i < attempt && wait.compareTo(longest) < 0; i++) {
            wait = wait.multipliedBy(2);
        }
        return wait.compareTo(longest) < 0 ? wait : longest;
    }
}
