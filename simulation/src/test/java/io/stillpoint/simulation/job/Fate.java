package io.stillpoint.simulation.job;

import io.stillpoint.testkit.fake.FakeGuest.Mishap;
import java.util.List;
import java.util.Random;

/// What happens to a process. Calls are counted from 1: those of the fakes and of the journal, or those that change the
/// vault's disk.
sealed interface Fate {
    /// Nothing.
    record Spared() implements Fate {}

    /// It ends before a call has any effect.
    ///
    /// @param withPower the host loses power: its VMs end, and its disk keeps what it had to
    record Ends(int call, boolean withPower) implements Fate {}

    /// It ends before a change of the vault's disk.
    record EndsAtDisk(int change, boolean withPower) implements Fate {}

    /// A call fails, once.
    record Fails(int call) implements Fate {}

    /// Its job is asked to stop and to leave what it holds, at a call.
    record Suspends(int call) implements Fate {}

    /// A call of the vault's disk fails, once.
    record DiskFails(int change) implements Fate {}

    /// Something befalls the guest's agent.
    record GuestFails(String command, Mishap mishap) implements Fate {}

    /// Something befalls the VM, at a call.
    record Host(int call, Event event) implements Fate {}

    /// What befalls a VM.
    enum Event {
        RESTARTED,
        MIGRATED,
        RESIZED,
        GUEST_RESET,
        SCRATCH_USED_UP
    }

    /// @param calls how many calls a job makes, about
    static Fate draw(Random random, int calls) {
        int call = 1 + random.nextInt(calls);
        return switch (random.nextInt(11)) {
            case 0, 1, 2, 3 -> new Ends(call, random.nextInt(4) == 0);
            case 4, 5 -> new EndsAtDisk(1 + random.nextInt(40), random.nextBoolean());
            case 6 -> new Fails(call);
            case 7 -> new DiskFails(1 + random.nextInt(40));
            case 8 -> new GuestFails(command(random), mishap(random));
            case 9 -> new Suspends(call);
            default -> new Host(call, event(random));
        };
    }

    private static String command(Random random) {
        List<String> commands =
                List.of(
                        "guest-info",
                        "guest-exec",
                        "guest-exec-status",
                        "guest-file-open",
                        "guest-file-read",
                        "guest-fsfreeze-freeze",
                        "guest-fsfreeze-status",
                        "guest-fsfreeze-thaw");
        return commands.get(random.nextInt(commands.size()));
    }

    private static Mishap mishap(Random random) {
        List<Mishap> mishaps = List.of(Mishap.values());
        return mishaps.get(random.nextInt(mishaps.size()));
    }

    private static Event event(Random random) {
        List<Event> events = List.of(Event.values());
        return events.get(random.nextInt(events.size()));
    }
}
