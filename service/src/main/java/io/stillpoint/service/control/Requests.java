package io.stillpoint.service.control;

import io.stillpoint.service.base.Tools;
import io.stillpoint.service.care.VaultCare;
import io.stillpoint.service.database.Alerts;
import io.stillpoint.service.database.Cares;
import io.stillpoint.service.database.Jobs;
import io.stillpoint.service.database.Locals;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.Points;
import io.stillpoint.service.database.VmKey;
import io.stillpoint.service.fleet.Fleet;
import io.stillpoint.service.fleet.Hosts;
import io.stillpoint.service.fleet.KeptPolicies;
import io.stillpoint.service.job.JobRunner;
import io.stillpoint.service.local.LocalTier;
import io.stillpoint.service.vaults.Vaults;
import io.stillpoint.service.watch.Watch;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;

/// What commands may ask of the service, each a word under `do`.
public final class Requests implements ControlServer.Handler {
    private final Map<String, Consumer<Ask>> known = new TreeMap<>();
    private final Tools tools;

    /// The parts of the service that answer.
    ///
    /// @param due is told of each VM for which something may be due at once
    /// @param trouble what keeps the service from its work now
    public record Parts(
            Hosts hosts,
            Vaults vaults,
            Fleet fleet,
            KeptPolicies policies,
            Machines machines,
            Jobs jobs,
            Points points,
            Cares cares,
            Alerts alerts,
            JobRunner runner,
            Locals locals,
            LocalTier local,
            VaultCare care,
            Watch watch,
            Consumer<VmKey> due,
            Supplier<Optional<String>> trouble,
            Tools tools) {
        /// The VM that a request means. One that has just started is looked for.
        Machine machine(Ask ask) {
            String name = ask.required("vm");
            if (fleet.isUnknown(name)) {
                fleet.look();
            }
            return fleet.named(name);
        }

        /// The points of a VM, as its vault has them now.
        List<Points.Point> pointsOf(Machine machine) {
            Optional<String> vault = machine.protection().vault();
            Optional<String> name = machine.protection().pointName();
            if (vault.isEmpty() || name.isEmpty()) {
                return List.of();
            }
            // Others may have made or forgotten some.
            care.catalogue().read(vaults.open(vault.get()), name.get());
            return points.of(vault.get(), name.get());
        }
    }

    public Requests(Parts parts) {
        tools = parts.tools();
        known.putAll(new StatusRequests(parts).known());
        known.putAll(new VmRequests(parts).known());
        known.putAll(new PolicyRequests(parts).known());
        known.putAll(new JobRequests(parts).known());
        known.putAll(new PointRequests(parts).known());
        known.putAll(new VaultRequests(parts).known());
        known.putAll(new SnapshotRequests(parts).known());
    }

    @Override
    public void answer(JsonNode request, String user, ControlServer.Reply reply) {
        String what = request.path("do").asString("");
        Consumer<Ask> answer = known.get(what);
        if (answer == null) {
            throw ControlException.request(
                    "\"" + what + "\"; possible: " + String.join(", ", known.keySet()));
        }
        try {
            answer.accept(new Ask(request, user, reply));
        } catch (NullPointerException | IllegalStateException | IndexOutOfBoundsException e) {
            tools.defect(e);
            throw e;
        }
    }
}
