package io.stillpoint.simulation.queue;

import io.stillpoint.planning.queue.LimitsByTime;
import io.stillpoint.planning.queue.PeakWindows;
import io.stillpoint.planning.queue.Route;
import io.stillpoint.planning.queue.TimeWindow;
import io.stillpoint.planning.queue.TransferLimits;
import io.stillpoint.planning.queue.TransferRules;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// VMs, hosts, stores and limits, drawn from a seed. Everything grows with the number of VMs, so that a small fleet is as
/// busy as a large one: the work of a day fills the places of some eight hours.
///
/// @param scratch bytes of scratch space of each host
record Fleet(List<Vm> vms, List<String> stores, TransferLimits limits, long scratch) {
    private static final long MIB = 1L << 20;
    private static final int VMS_PER_HOST = 50;
    private static final int STORES = 4;

    /// All times are UTC here; daylight saving is tested elsewhere.
    static final ZoneId ZONE = ZoneOffset.UTC;

    private static final TransferRules OFFICE = peak("09:00", "17:00");
    private static final TransferRules DAYTIME = peak("08:00", "18:00");
    private static final TransferRules PLAIN = TransferRules.NONE;
    private static final TransferRules SLOW =
            new TransferRules(byDay(50 * MIB, LimitsByTime.UNLIMITED), PeakWindows.NONE);

    /// @param slot when its job is due each day, after midnight
    /// @param load how much it has to transfer, and how fast
    record Vm(String name, Route route, Duration slot, TransferRules rules, Load load) {}

    /// @param bytes of a day, about
    /// @param rate bytes a second, of a store that is well
    /// @param writes bytes of scratch space a second, at most
    record Load(double bytes, long rate, long writes) {}

    static Fleet of(long seed, int count) {
        Random random = new Random(seed);
        List<String> stores = new ArrayList<>();
        for (int i = 0; i < STORES; i++) {
            stores.add("store" + i);
        }
        List<Vm> vms = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            vms.add(vm(random, i, stores));
        }
        long night = Math.max(4, count / 50);
        TransferLimits limits =
                new TransferLimits(
                        byDay(night * 3 / 4, night),
                        TransferLimits.Each.of(LimitsByTime.always(2)),
                        TransferLimits.Each.of(LimitsByTime.always(Math.max(2, night * 3 / 8))));
        return new Fleet(vms, stores, limits, (VMS_PER_HOST * 6L) << 30);
    }

    private static Vm vm(Random random, int index, List<String> stores) {
        Route route =
                new Route("host" + index / VMS_PER_HOST, stores.get(random.nextInt(stores.size())));
        Load load =
                new Load(
                        30 * 1024.0 * MIB * Math.exp(0.8 * random.nextGaussian()),
                        (long) (80 * MIB * Math.exp(0.3 * random.nextGaussian())),
                        (long) (0.2 * MIB * Math.exp(0.5 * random.nextGaussian())));
        String name = "vm" + index;
        int kind = random.nextInt(100);
        if (kind < 5) {
            // Due when the working day begins: its transfer waits for eight hours.
            return new Vm(name, route, minutes(9 * 60), OFFICE, load);
        }
        Duration slot =
                kind < 15
                        ? minutes(2 * 60 + random.nextInt(180))
                        : minutes((18 * 60 + random.nextInt(8 * 60)) % (24 * 60));
        return new Vm(name, route, slot, kind < 55 ? DAYTIME : kind < 75 ? SLOW : PLAIN, load);
    }

    private static TransferRules peak(String from, String to) {
        return new TransferRules(
                LimitsByTime.always(LimitsByTime.UNLIMITED),
                new PeakWindows(
                        ZONE, List.of(new TimeWindow(LocalTime.parse(from), LocalTime.parse(to)))));
    }

    private static LimitsByTime byDay(long day, long night) {
        return new LimitsByTime(
                ZONE,
                night,
                List.of(
                        new LimitsByTime.Limit(
                                new TimeWindow(LocalTime.of(8, 0), LocalTime.of(18, 0)), day)));
    }

    private static Duration minutes(int count) {
        return Duration.ofMinutes(count);
    }

    /// The same with fewer places than its work needs.
    Fleet crowded(long places) {
        TransferLimits fewer =
                new TransferLimits(LimitsByTime.always(places), limits.hosts(), limits.stores());
        return new Fleet(vms, stores, fewer, scratch);
    }
}
