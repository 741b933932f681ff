/* A Vulkan layer that loses every device as soon as the file named by LOSE_DEVICE_WHEN exists, as a driver does that was reset: what is
 * submitted or waited for then fails with VK_ERROR_DEVICE_LOST. The test compiles it and names it to the Vulkan loader, so that a worker
 * meets it below everything of its own. Knows no more of Vulkan than the loader's interface to layers, version 2
 * (https://github.com/KhronosGroup/Vulkan-Loader/blob/main/docs/LoaderLayerInterface.md). */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOST (-4)
#define INSTANCE_INFO 47 /* VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO */
#define DEVICE_INFO 48   /* VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO */

typedef void (*Function)(void);
typedef Function (*Lookup)(void *handle, const char *name);

/* The links of a chain of layers, for instances and devices alike as far as they are read here. */
typedef struct Link {
    struct Link *next;
    Lookup instance_lookup;
    Lookup device_lookup;
} Link;

typedef struct Info {
    int32_t type;
    const struct Info *next;
    int32_t function; /* 0: a link follows */
    Link *link;
} Info;

typedef struct {
    int32_t type;
    void *next;
    uint32_t version;
    Lookup instance_lookup;
    Lookup device_lookup;
    Function physical_device_lookup;
} Negotiation;

static Lookup next_instance, next_device;
static void *instance;

static int is_lost(void) {
    const char *when = getenv("LOSE_DEVICE_WHEN");
    return when && access(when, F_OK) == 0;
}

/* The link to the layer below, taken out of the chain. */
static Link *take_link(const void *create, int32_t type) {
    const Info *info = ((const Info *)create)->next;
    while (info && !(info->type == type && info->function == 0)) info = info->next;
    if (!info) return NULL;
    Link *link = info->link;
    ((Info *)info)->link = link->next;
    return link;
}

static int32_t create_instance(const void *create, const void *allocator, void **made) {
    Link *link = take_link(create, INSTANCE_INFO);
    if (!link) return -3;
    next_instance = link->instance_lookup;
    int32_t (*next)(const void *, const void *, void **) = (void *)next_instance(NULL, "vkCreateInstance");
    int32_t result = next(create, allocator, made);
    if (result == 0) instance = *made;
    return result;
}

static int32_t create_device(void *physical, const void *create, const void *allocator, void **made) {
    Link *link = take_link(create, DEVICE_INFO);
    if (!link) return -3;
    next_device = link->device_lookup;
    int32_t (*next)(void *, const void *, const void *, void **) = (void *)link->instance_lookup(instance, "vkCreateDevice");
    return next(physical, create, allocator, made);
}

/* The calls by which a program learns that its device is gone, all of at most five arguments that fit a register. */
typedef int32_t (*Call)(void *, uintptr_t, uintptr_t, uintptr_t, uintptr_t);
#define CALL(name)                                                                     \
    static Call below_##name;                                                          \
    static int32_t name(void *a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e) { \
        return is_lost() ? LOST : below_##name(a, b, c, d, e);                         \
    }
CALL(queue_submit)
CALL(queue_submit2)
CALL(wait_for_fences)
CALL(fence_status)
CALL(wait_semaphores)
CALL(semaphore_value)

static const struct {
    const char *name;
    Call ours;
    Call *below;
} calls[] = {
    {"vkQueueSubmit", queue_submit, &below_queue_submit},
    {"vkQueueSubmit2", queue_submit2, &below_queue_submit2},
    {"vkWaitForFences", wait_for_fences, &below_wait_for_fences},
    {"vkGetFenceStatus", fence_status, &below_fence_status},
    {"vkWaitSemaphores", wait_semaphores, &below_wait_semaphores},
    {"vkGetSemaphoreCounterValue", semaphore_value, &below_semaphore_value},
};

static Function device_lookup(void *device, const char *name) {
    Function below = next_device ? next_device(device, name) : NULL;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (below && strcmp(name, calls[i].name) == 0) {
            *calls[i].below = (Call)below;
            return (Function)calls[i].ours;
        }
    }
    return strcmp(name, "vkGetDeviceProcAddr") == 0 ? (Function)device_lookup : below;
}

static Function instance_lookup(void *handle, const char *name) {
    if (strcmp(name, "vkCreateInstance") == 0) return (Function)create_instance;
    if (strcmp(name, "vkCreateDevice") == 0) return (Function)create_device;
    if (strcmp(name, "vkGetInstanceProcAddr") == 0) return (Function)instance_lookup;
    if (strcmp(name, "vkGetDeviceProcAddr") == 0) return (Function)device_lookup;
    return next_instance ? next_instance(handle, name) : NULL;
}

int32_t vkNegotiateLoaderLayerInterfaceVersion(Negotiation *asked) {
    if (asked->version < 2) return -3;
    asked->version = 2;
    asked->instance_lookup = instance_lookup;
    asked->device_lookup = device_lookup;
    asked->physical_device_lookup = NULL;
    return 0;
}
