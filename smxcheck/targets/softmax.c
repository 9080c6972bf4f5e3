/* softmax over the last axis, as a program that smxcheck can verify:

       cc -O2 -o softmax softmax.c -lm
       smxcheck verify --command ./softmax -f softmax

   Standard input has one array as .npy (float32 or float64, C order), standard output gets the result as .npy.
   Whatever is refused ends with exit status 1 and one line on standard error. With -DNAIVE the largest entry is not
   subtracted first, which overflows: smxcheck must find it. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

/* A row of n numbers. A row with nan or +inf becomes nan by itself: inf - inf is nan, and so is their sum. */
static void softmax(double *x, size_t n)
{
    double largest = n ? x[0] : 0, sum = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > largest)
            largest = x[i];
#ifdef NAIVE
    largest = 0;
#endif
    for (size_t i = 0; i < n; i++)
        sum += x[i] = exp(x[i] - largest);
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

int main(void)
{
    /* The magic string, the version (1.0), the length of the header in two bytes, least first, and the header:
       {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } */
    unsigned char start[10];
    if (fread(start, 1, 10, stdin) != 10 || memcmp(start, "\x93NUMPY\x01", 7) != 0)
        refuse("no .npy of version 1.0 on standard input");
    size_t length = start[8] + 256u * start[9];
    char *header = calloc(length + 1, 1);
    if (!header || fread(header, 1, length, stdin) != length)
        refuse("the header ends too early");
    int is_float = strstr(header, "'<f4'") != NULL;
    char *shape = strstr(header, "'shape': (");
    if ((!is_float && !strstr(header, "'<f8'")) || strstr(header, "True") || !shape)
        refuse("only float32 and float64 in C order");

    /* The number of elements, and n, the length of the last axis. */
    size_t count = 1, n = 1, axes = 0;
    for (char *p = shape + strlen("'shape': ("); *p != ')'; axes++) {
        count *= n = strtoull(p, &p, 10);
        p += strspn(p, ", ");
    }
    if (axes == 0)
        refuse("softmax needs an axis");

    size_t size = is_float ? sizeof(float) : sizeof(double);
    void *data = malloc(count * size + 1);
    double *row = malloc(n * sizeof(double) + 1);
    if (!data || !row)
        refuse("out of memory");
    if (fread(data, size, count, stdin) != count)
        refuse("the values end too early");
    for (size_t first = 0; n && first < count; first += n) { /* in double, and rounded once at the end */
        for (size_t i = 0; i < n; i++)
            row[i] = is_float ? ((float *)data)[first + i] : ((double *)data)[first + i];
        softmax(row, n);
        for (size_t i = 0; i < n; i++)
            if (is_float)
                ((float *)data)[first + i] = (float)row[i];
            else
                ((double *)data)[first + i] = row[i];
    }

    /* The result has the shape and dtype of the input, and so the same header. */
    fwrite(start, 1, 10, stdout);
    fwrite(header, 1, length, stdout);
    fwrite(data, size, count, stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
