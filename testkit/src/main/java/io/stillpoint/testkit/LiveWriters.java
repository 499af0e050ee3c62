package io.stillpoint.testkit;

import java.util.ArrayList;
import java.util.List;

/// Shell loops in a guest that write all the time, until closed. They count their rounds in memory, so that a test can
/// see that they run, and what they write can be checked on a copy of the disk:
/// counters only grow, databases are sound, and what is in order across disks stays so.
public final class LiveWriters implements AutoCloseable {
    private static final String STOP = "/run/writers-stop";

    private final TestVm vm;
    private final List<String> names = new ArrayList<>();

    public LiveWriters(TestVm vm) {
        this.vm = vm;
        vm.sh("rm -rf /run/writers " + STOP + "; mkdir -p /run/writers");
    }

    /// Writes random blocks of 4 to 64 KiB into a file of `mebibytes`, around the guest's page cache.
    public LiveWriters randomBlocks(String folder, int mebibytes) {
        String file = folder + "/random.bin";
        vm.sh("truncate -s %dM %s".formatted(mebibytes, file));
        return loop(
                """
                r=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
                dd if=/dev/urandom of=%s bs=4k count=$((r %% 16 + 1)) seek=$((r %% %d)) \
                   oflag=direct conv=notrunc status=none
                """
                        .formatted(file, mebibytes * 256 - 16));
    }

    /// Makes, changes and deletes small files, and trims what is free from time to time.
    public LiveWriters smallFiles(String folder) {
        return loop(
                """
                d=%s/files/$((i %% 7)); mkdir -p $d
                head -c $((i * 977 %% 30000)) /dev/urandom >$d/$((i %% 50))
                rm -f $d/$(((i + 25) %% 50))
                [ $((i %% 100)) != 0 ] || fstrim %s 2>/dev/null || :
                """
                        .formatted(folder, folder));
    }

    /// Inserts and deletes rows in `<folder>/live.db`, one transaction per round; `PRAGMA integrity_check` must hold
    /// in every copy.
    public LiveWriters database(String folder) {
        String file = folder + "/live.db";
        vm.sh("sqlite3 %s 'CREATE TABLE IF NOT EXISTS t(n INTEGER, b BLOB)'".formatted(file));
        return loop(
                """
                sqlite3 %s "BEGIN; INSERT INTO t VALUES($i, randomblob(3000)); DELETE FROM t WHERE n < $i - 200; COMMIT"
                """
                        .formatted(file));
    }

    /// Counts up in `<first>/counter`, then in `<second>/counter`, each durable before the next: in every copy of one
    /// instant the first is equal to the second or ahead by one.
    public LiveWriters pairedCounter(String first, String second) {
        return loop(
                """
                for d in %s %s; do
                    printf '%%010d' $i | dd of=$d/counter conv=notrunc,fsync status=none
                done
                """
                        .formatted(first, second));
    }

    private LiveWriters loop(String body) {
        String name = "w" + names.size();
        names.add(name);
        String script =
                "i=0; while [ ! -e %s ]; do i=$((i + 1))\n%s\necho $i >/run/writers/%s; done; rm /run/writers/%s.pid"
                        .formatted(STOP, body, name, name);
        // The agent waits for whoever holds its pipes, so the loop gets none of them.
        vm.sh(
                """
                cat >/run/writers/%1$s.sh <<'SCRIPT'
                %2$s
                SCRIPT
                setsid sh /run/writers/%1$s.sh </dev/null >/run/writers/%1$s.log 2>&1 &
                echo $! >/run/writers/%1$s.pid
                """
                        .formatted(name, script));
        return this;
    }

    /// Rounds of all loops together so far.
    public long rounds() {
        String sum = vm.sh("cat /run/writers/w? 2>/dev/null | awk '{s += $1} END {print s + 0}'");
        return Long.parseLong(sum.strip());
    }

    /// What the loops complained about; empty when all is well.
    public String complaints() {
        return vm.sh("cat /run/writers/*.log").strip();
    }

    /// Waits until every loop has done so many more rounds.
    public void awaitRounds(int more) {
        vm.sh(
                """
                cd /run/writers
                for w in %s; do
                    from=$(cat $w 2>/dev/null || echo 0); tries=0
                    while [ "$(($(cat $w 2>/dev/null || echo 0) - from))" -lt %d ]; do
                        tries=$((tries + 1)); [ $tries -lt 1000 ] || exit 1
                        usleep 50000
                    done
                done
                """
                        .formatted(String.join(" ", names), more));
    }

    /// Lets the loops finish their round and waits for their end.
    public void stop() {
        vm.sh(
                """
                touch %s; tries=0
                while ls /run/writers/*.pid >/dev/null 2>&1; do
                    tries=$((tries + 1)); [ $tries -lt 600 ] || exit 1
                    usleep 50000
                done
                """
                        .formatted(STOP));
    }

    /// Stops the loops, unless the VM has ended before.
    @Override
    public void close() {
        if (vm.process().alive()) {
            stop();
        }
    }
}
