// The service IaaSVmProvider.
#pragma once

/// Runs until the service control manager stops it. Returns the exit code of the process; 1 if it was not started as a
/// service.
int runService();
