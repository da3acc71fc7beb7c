/*
 * Mutates the vectors for a fixed number of rounds from a fixed seed, under ASan and UBSan, and holds the
 * decoder to the rules of test/fuzz/module/frames.c: what npm test does each time of what npm run fuzz does
 * with coverage. usage: fuzz_frames ROUNDS SEED FILE… ; prints what it did, aborts on a broken rule.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../fuzz/module/rule.h"
#include "frames.h"
#include "vector_file.h"

#define SEEDS_MAX 2048

struct seed {
    size_t size;
    uint8_t *bytes;
};

static struct seed seeds[SEEDS_MAX];
static size_t seed_count;
static uint64_t state;

/* xorshift64*: the same numbers on each machine. */
static uint32_t draw(uint32_t below) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 2685821657736338717u) >> 32) % below;
}

static void keep_seed(struct vector *vector, void *context) {
    (void)context;
    if (seed_count == SEEDS_MAX || vector->size == 0)
        return;
    seeds[seed_count].size = vector->size;
    seeds[seed_count].bytes = malloc(vector->size);
    if (seeds[seed_count].bytes == NULL)
        abort();
    memcpy(seeds[seed_count++].bytes, vector->bytes, vector->size);
}

static size_t mutate(uint8_t *bytes, size_t size) {
    static const uint8_t TELLING[] = {0x00, 0x01, 0x02, 0x06, 0x07, 0x7f, 0x80, 0xbf, 0xc2, 0xed, 0xf4, 0xff};
    switch (draw(6)) {
    case 0:
        bytes[draw((uint32_t)size)] ^= (uint8_t)(1u << draw(8));
        return size;
    case 1:
        bytes[draw((uint32_t)size)] = TELLING[draw(sizeof TELLING)];
        return size;
    case 2: /* cut */
        return 1 + draw((uint32_t)size);
    case 3: { /* grow */
        size_t more = 1 + draw(16);
        for (size_t i = 0; i < more; i++)
            bytes[size + i] = (uint8_t)draw(256);
        return size + more;
    }
    case 4: { /* take the tail of another seed */
        const struct seed *other = &seeds[draw((uint32_t)seed_count)];
        size_t from = draw((uint32_t)size), other_from = draw((uint32_t)other->size);
        memcpy(bytes + from, other->bytes + other_from, other->size - other_from);
        return from + other->size - other_from;
    }
    default: { /* a length, somewhere */
        if (size < 2)
            return size;
        size_t at = draw((uint32_t)size - 1);
        bytes[at] = (uint8_t)draw(3);
        bytes[at + 1] = (uint8_t)draw(256);
        return size;
    }
    }
}

/* Half of the time the header is mended, so that the body is reached. */
static void mend(uint8_t *bytes, size_t size) {
    static const uint8_t AGENT_TYPES[] = {FRAME_ASK,  FRAME_TELL,   FRAME_WAIT,    FRAME_VERDICT, FRAME_HOLD,
                                          FRAME_TAKE, FRAME_RECALL, FRAME_MEASURE, FRAME_TOKEN};
    if (size < FRAME_HEADER_SIZE || draw(2) == 0)
        return;
    size_t body = size - FRAME_HEADER_SIZE;
    memcpy(bytes, "SC", 2);
    bytes[2] = (uint8_t)(1 + draw(3));
    if (draw(2) == 0)
        bytes[3] = AGENT_TYPES[draw(sizeof AGENT_TYPES)];
    for (size_t i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t)(body >> (24 - 8 * i));
}

int main(int argc, char **argv) {
    static uint8_t bytes[2 * VECTOR_BYTES_MAX + 512];
    if (argc < 4)
        return 2;
    unsigned long rounds = strtoul(argv[1], NULL, 10);
    state = strtoul(argv[2], NULL, 10) | 1u;
    for (int i = 3; i < argc; i++)
        vector_file_read(argv[i], keep_seed, NULL);
    for (unsigned long i = 0; i < rounds; i++) {
        const struct seed *seed = &seeds[draw((uint32_t)seed_count)];
        size_t size = seed->size;
        memcpy(bytes, seed->bytes, size);
        for (uint32_t times = draw(4); times > 0 && size > 0; times--) {
            size_t mutated = mutate(bytes, size);
            size = mutated > VECTOR_BYTES_MAX ? VECTOR_BYTES_MAX : mutated;
        }
        mend(bytes, size);
        LLVMFuzzerTestOneInput(bytes, size);
    }
    printf("seeds=%zu rounds=%lu accepted=%lu\n", seed_count, rounds, frames_accepted);
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i].bytes);
    return 0;
}
