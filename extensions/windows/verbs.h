// What the executable does when the host calls it with a verb (docs/extensions.md, "Verbs").
#pragma once
#include <string>
#include <vector>

/// Prints the result as JSON and returns the exit code. @param arguments the verb and its options
int runVerb(const std::vector<std::wstring> &arguments);
