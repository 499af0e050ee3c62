package io.stillpoint.simulation.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// What happens to the fleet from outside: spells in which a store is slow, and the day on which the server is dead. All
/// of it is known from the beginning to [FullKnowledge], and to nobody else.
///
/// @param slow by the store's name
record Weather(Map<String, List<Spell>> slow, Spell dead) {
    static final double SLOW = 0.35;

    record Spell(Instant from, Instant to) {
        boolean at(Instant instant) {
            return !instant.isBefore(from) && instant.isBefore(to);
        }

        /// How many seconds of it lie between these instants.
        double seconds(Instant begin, Instant end) {
            Instant first = begin.isAfter(from) ? begin : from;
            Instant last = end.isBefore(to) ? end : to;
            return last.isAfter(first) ? Duration.between(first, last).toSeconds() : 0;
        }
    }

    /// Two slow spells of three hours a week for each store; the server is dead from 06:00 on for 24 hours, in the middle.
    static Weather of(long seed, Instant begin, int days, List<String> stores) {
        Random random = new Random(seed + 1);
        Instant dead = begin.plus(Duration.ofDays(days / 2)).plus(Duration.ofHours(6));
        return new Weather(
                stores.stream()
                        .collect(
                                Collectors.toMap(
                                        store -> store, store -> slowSpells(random, begin, days))),
                new Spell(dead, dead.plus(Duration.ofDays(1))));
    }

    private static List<Spell> slowSpells(Random random, Instant begin, int days) {
        return IntStream.range(0, Math.max(1, days * 2 / 7))
                .mapToObj(_ -> begin.plus(Duration.ofMinutes(random.nextInt(days * 24 * 60))))
                .map(at -> new Spell(at, at.plus(Duration.ofHours(3))))
                .toList();
    }

    private List<Spell> of(String store) {
        return slow.getOrDefault(store, List.of());
    }

    /// How fast the store is; 1 if it is well.
    double speed(String store, Instant at) {
        return of(store).stream().anyMatch(each -> each.at(at)) ? SLOW : 1;
    }

    /// For how many seconds there was a server between these instants.
    double alive(Instant begin, Instant end) {
        return Math.max(0, Duration.between(begin, end).toSeconds() - dead.seconds(begin, end));
    }

    /// What a place at the store was worth between these instants, in seconds of a store that is well: at most so much, as
    /// slow spells that overlap count once only.
    double worth(String store, Instant begin, Instant end) {
        double longest =
                of(store).stream().mapToDouble(each -> each.seconds(begin, end)).max().orElse(0);
        return alive(begin, end) - Math.max(0, longest - dead.seconds(begin, end)) * (1 - SLOW);
    }
}
