/* The smallest importer of FMI, which shares no code with any other: loads a binary, feeds it events, and compares its
 * answers bit for bit. For FMI 2.0, or with -DFMI=3 for FMI 3.0; on Windows without a C runtime.
 *
 * Usage: probe LIBRARY TOKEN EVENTS. The file EVENTS has 32-bit counts (events; Real, Boolean and enumeration inputs;
 * Real, Boolean and Integer outputs), the value references of all these in the same order, and then for each event the
 * inputs and the expected outputs as doubles. Prints how many events differ; the exit code is 0 if none does. */
#ifndef FMI
#define FMI 2
#endif
#if FMI == 2
#include "fmi2Functions.h"
#else
#include "fmi3Functions.h"
#endif

#include <stddef.h>
#include <stdint.h>

#define MOST 64U
#define KINDS 6U

#ifdef _WIN32
__declspec(dllimport) void *__stdcall LoadLibraryA(const char *path);
__declspec(dllimport) void *__stdcall GetProcAddress(void *library, const char *name);
__declspec(dllimport) void *__stdcall CreateFileA(const char *path, unsigned long access, unsigned long share,
                                                  void *security, unsigned long how, unsigned long flags, void *other);
__declspec(dllimport) int __stdcall ReadFile(void *file, void *to, unsigned long size, unsigned long *got, void *other);
__declspec(dllimport) int __stdcall WriteFile(void *file, const void *from, unsigned long size, unsigned long *done,
                                              void *other);
__declspec(dllimport) void *__stdcall GetStdHandle(unsigned long which);
__declspec(dllimport) char *__stdcall GetCommandLineA(void);
__declspec(dllimport) void __stdcall ExitProcess(unsigned int code);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
int memcmp(const void *first, const void *second, size_t size);

static void *open_library(const char *path)
{
    return LoadLibraryA(path);
}

static void *function_of(void *library, const char *name)
{
    return GetProcAddress(library, name);
}

static void *open_events(const char *path)
{
    return CreateFileA(path, 0x80000000UL, 1UL, NULL, 3UL, 0UL, NULL);
}

static int read_all(void *file, void *to, size_t size)
{
    unsigned long got = 0;
    return ReadFile(file, to, (unsigned long)size, &got, NULL) && (got == size);
}

static void print(const char *text)
{
    unsigned long length = 0, done;

    while (text[length] != '\0') {
        length++;
    }
    WriteFile(GetStdHandle(0xFFFFFFF5UL), text, length, &done, NULL);
}
#else
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void *open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        puts(dlerror());
    }
    return library;
}

static void *function_of(void *library, const char *name)
{
    return dlsym(library, name);
}

static void *open_events(const char *path)
{
    return fopen(path, "rb");
}

static int read_all(void *file, void *to, size_t size)
{
    return fread(to, 1U, size, file) == size;
}

static void print(const char *text)
{
    fputs(text, stdout);
}
#endif

static void print_number(uint32_t number)
{
    char digits[12];
    size_t at = sizeof(digits) - 1U;

    digits[at] = '\0';
    do {
        at--;
        digits[at] = (char)('0' + number % 10U);
        number /= 10U;
    } while (number != 0U);
    print(&digits[at]);
}

typedef struct {
    uint32_t count[KINDS]; /* Real, Boolean, enumeration inputs; Real, Boolean, Integer outputs */
    uint32_t references[KINDS][MOST];
} plan_t;

/* A function of the library, without the cast from a pointer to an object that C99 does not have. */
#define FUNCTION(type, name)                                                                                           \
    type *name;                                                                                                        \
    do {                                                                                                               \
        void *const found = function_of(library, #name);                                                               \
        if (found == NULL) {                                                                                           \
            print("no function " #name "\n");                                                                          \
            return 4;                                                                                                  \
        }                                                                                                              \
        memcpy(&name, &found, sizeof(name));                                                                           \
    } while (0)

#if FMI == 2
static void log_message(fmi2ComponentEnvironment environment, fmi2String instance, fmi2Status status,
                        fmi2String category, fmi2String message, ...)
{
    (void)environment;
    (void)instance;
    (void)status;
    (void)category;
    print(message);
    print("\n");
}
#else
static void log_message(fmi3InstanceEnvironment environment, fmi3Status status, fmi3String category, fmi3String message)
{
    (void)environment;
    (void)status;
    (void)category;
    print(message);
    print("\n");
}
#endif

/* 1 if every answer of an event is as expected, 0 if not, else an error. */
static int run(void *library, const char *token, void *file, uint32_t events, const plan_t *plan, uint32_t *different)
{
    double values[KINDS][MOST], answers[MOST];
    int status = 0;
#if FMI == 2
    FUNCTION(fmi2InstantiateTYPE, fmi2Instantiate);
    FUNCTION(fmi2SetupExperimentTYPE, fmi2SetupExperiment);
    FUNCTION(fmi2EnterInitializationModeTYPE, fmi2EnterInitializationMode);
    FUNCTION(fmi2ExitInitializationModeTYPE, fmi2ExitInitializationMode);
    FUNCTION(fmi2SetRealTYPE, fmi2SetReal);
    FUNCTION(fmi2SetBooleanTYPE, fmi2SetBoolean);
    FUNCTION(fmi2SetIntegerTYPE, fmi2SetInteger);
    FUNCTION(fmi2GetRealTYPE, fmi2GetReal);
    FUNCTION(fmi2GetBooleanTYPE, fmi2GetBoolean);
    FUNCTION(fmi2GetIntegerTYPE, fmi2GetInteger);
    FUNCTION(fmi2DoStepTYPE, fmi2DoStep);
    FUNCTION(fmi2TerminateTYPE, fmi2Terminate);
    FUNCTION(fmi2FreeInstanceTYPE, fmi2FreeInstance);
    fmi2CallbackFunctions callbacks = {log_message, NULL, NULL, NULL, NULL};
    fmi2Boolean booleans[MOST];
    fmi2Integer integers[MOST];
    fmi2Component car = fmi2Instantiate("probe", fmi2CoSimulation, token, "", &callbacks, fmi2False, fmi2False);
    if (car == NULL) {
        return 5;
    }
    status |= (int)fmi2SetupExperiment(car, fmi2False, 0.0, 0.0, fmi2False, 0.0);
    status |= (int)fmi2EnterInitializationMode(car) | (int)fmi2ExitInitializationMode(car);
#else
    FUNCTION(fmi3InstantiateCoSimulationTYPE, fmi3InstantiateCoSimulation);
    FUNCTION(fmi3EnterInitializationModeTYPE, fmi3EnterInitializationMode);
    FUNCTION(fmi3ExitInitializationModeTYPE, fmi3ExitInitializationMode);
    FUNCTION(fmi3SetFloat64TYPE, fmi3SetFloat64);
    FUNCTION(fmi3SetBooleanTYPE, fmi3SetBoolean);
    FUNCTION(fmi3SetInt64TYPE, fmi3SetInt64);
    FUNCTION(fmi3GetFloat64TYPE, fmi3GetFloat64);
    FUNCTION(fmi3GetBooleanTYPE, fmi3GetBoolean);
    FUNCTION(fmi3GetInt32TYPE, fmi3GetInt32);
    FUNCTION(fmi3DoStepTYPE, fmi3DoStep);
    FUNCTION(fmi3TerminateTYPE, fmi3Terminate);
    FUNCTION(fmi3FreeInstanceTYPE, fmi3FreeInstance);
    fmi3Boolean booleans[MOST], flags[3];
    fmi3Int64 levels[MOST];
    fmi3Int32 integers[MOST];
    fmi3Float64 reached;
    fmi3Instance car = fmi3InstantiateCoSimulation("probe", token, "", fmi3False, fmi3False, fmi3False, fmi3False, NULL,
                                                   0U, NULL, log_message, NULL);
    if (car == NULL) {
        return 5;
    }
    status |= (int)fmi3EnterInitializationMode(car, fmi3False, 0.0, 0.0, fmi3False, 0.0);
    status |= (int)fmi3ExitInitializationMode(car);
#endif
    for (uint32_t event = 0U; event < events; event++) {
        const double time = 0.01 * event;
        const uint32_t *const n = plan->count;
        int same = 1;

        for (uint32_t kind = 0U; kind < KINDS; kind++) {
            if (!read_all(file, values[kind], n[kind] * sizeof(double))) {
                print("too few events\n");
                return 6;
            }
        }
#if FMI == 2
        status |= (int)fmi2SetReal(car, plan->references[0], n[0], values[0]);
        for (uint32_t i = 0U; i < n[1]; i++) {
            booleans[i] = (values[1][i] != 0.0) ? fmi2True : fmi2False;
        }
        status |= (int)fmi2SetBoolean(car, plan->references[1], n[1], booleans);
        for (uint32_t i = 0U; i < n[2]; i++) {
            integers[i] = (fmi2Integer)values[2][i];
        }
        status |= (int)fmi2SetInteger(car, plan->references[2], n[2], integers);
        status |= (int)fmi2DoStep(car, time, 0.01, fmi2True);
        status |= (int)fmi2GetReal(car, plan->references[3], n[3], answers);
        status |= (int)fmi2GetBoolean(car, plan->references[4], n[4], booleans);
        status |= (int)fmi2GetInteger(car, plan->references[5], n[5], integers);
#else
        status |= (int)fmi3SetFloat64(car, plan->references[0], n[0], values[0], n[0]);
        for (uint32_t i = 0U; i < n[1]; i++) {
            booleans[i] = (values[1][i] != 0.0);
        }
        status |= (int)fmi3SetBoolean(car, plan->references[1], n[1], booleans, n[1]);
        for (uint32_t i = 0U; i < n[2]; i++) {
            levels[i] = (fmi3Int64)values[2][i];
        }
        status |= (int)fmi3SetInt64(car, plan->references[2], n[2], levels, n[2]);
        status |= (int)fmi3DoStep(car, time, 0.01, fmi3True, &flags[0], &flags[1], &flags[2], &reached);
        status |= (int)fmi3GetFloat64(car, plan->references[3], n[3], answers, n[3]);
        status |= (int)fmi3GetBoolean(car, plan->references[4], n[4], booleans, n[4]);
        status |= (int)fmi3GetInt32(car, plan->references[5], n[5], integers, n[5]);
#endif
        same = (memcmp(answers, values[3], n[3] * sizeof(double)) == 0);
        for (uint32_t i = 0U; i < n[4]; i++) {
            same &= ((booleans[i] ? 1 : 0) == (int)values[4][i]);
        }
        for (uint32_t i = 0U; i < n[5]; i++) {
            same &= ((int32_t)integers[i] == (int32_t)values[5][i]);
        }
        *different += same ? 0U : 1U;
    }
#if FMI == 2
    status |= (int)fmi2Terminate(car);
    fmi2FreeInstance(car);
#else
    status |= (int)fmi3Terminate(car);
    fmi3FreeInstance(car);
#endif
    return status;
}

static int probe(const char *path, const char *token, const char *events_path)
{
    plan_t plan;
    uint32_t events = 0U, different = 0U;
    void *const library = open_library(path);
    void *const file = open_events(events_path);
    int failed;

    if ((library == NULL) || (file == NULL)) {
        print("no library or no events\n");
        return 3;
    }
    failed = !read_all(file, &events, sizeof(events)) || !read_all(file, plan.count, sizeof(plan.count));
    for (uint32_t kind = 0U; !failed && (kind < KINDS); kind++) {
        failed = (plan.count[kind] > MOST) ||
                 !read_all(file, plan.references[kind], plan.count[kind] * sizeof(plan.references[kind][0]));
    }
    failed = failed ? 7 : run(library, token, file, events, &plan, &different);
    print_number(events);
    print(" events, ");
    print_number(different);
    print(" differ, status ");
    print_number((uint32_t)failed);
    print("\n");
    return ((different == 0U) && (failed == 0)) ? 0 : 1;
}

#ifdef _WIN32
void mainCRTStartup(void);

/* The three arguments, which have no spaces in them. */
void mainCRTStartup(void)
{
    static char line[4096];
    const char *const typed = GetCommandLineA();
    char *words[4] = {line, line, line, line};
    size_t count = 0U;
    int inside = 0, quoted = 0;

    for (size_t i = 0U; (typed[i] != '\0') && (i < sizeof(line) - 1U); i++) {
        quoted ^= (typed[i] == '"');
        line[i] = (((typed[i] == ' ') && !quoted) || (typed[i] == '"')) ? '\0' : typed[i];
        if ((line[i] != '\0') && !inside && (count < 4U)) {
            words[count] = &line[i];
            count++;
        }
        inside = (line[i] != '\0');
    }
    ExitProcess((count == 4U) ? (unsigned int)probe(words[1], words[2], words[3]) : 2U);
}
#else
int main(int argc, char **argv)
{
    return (argc == 4) ? probe(argv[1], argv[2], argv[3]) : 2;
}
#endif
