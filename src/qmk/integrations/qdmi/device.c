/*
 * A QDMI device library whose jobs QMK runs: its functions are those of qdmi/device.h with the prefix QMK.
 *
 * A session is a child process (`python -m qmk.integrations.qdmi serve`) that reads and runs programs. They speak over
 * a socket: a request is a line of words, the last the size of what follows it; an answer is "<status> <size>\n" and so
 * many bytes. Built by `python -m qmk.integrations.qdmi build`, which defines QMK_PYTHON and QMK_QDMI_VERSION.
 */

#define _GNU_SOURCE

#include "prefix.h"

#include <errno.h>
#include <pthread.h>
#include <qdmi/device.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define LONGEST_PARAMETER ((size_t)1 << 20)
#define LONGEST_PROGRAM ((size_t)64 << 20)
#define LONGEST_ANSWER ((size_t)1 << 32)
#define DEFAULT_SHOTS 1024
/* A wait is asked for in parts, so that another thread may cancel the job in between. */
#define PART_MS 100

struct QDMI_Site_impl_d {
  size_t index;
  long long t1_ns, t2_ns; /* -1: not known */
};

struct fact {
  size_t *sites;
  double fidelity;       /* -1: not known */
  long long duration_ns; /* -1: not known */
};

struct QDMI_Operation_impl_d {
  char *name;
  size_t qubits, params;
  size_t n_facts;
  struct fact *facts;
};

enum { FREE, OPEN };
/* What a session is told before it begins: the numbers of the parameters, and the words by which the child knows them. */
static const struct {
  int param;
  const char *word;
} SETTINGS[] = {
    {QDMI_DEVICE_SESSION_PARAMETER_BASEURL, "server"},
    {QDMI_DEVICE_SESSION_PARAMETER_TOKEN, "token"},
    {QDMI_DEVICE_SESSION_PARAMETER_AUTHFILE, "token_file"},
    {QDMI_DEVICE_SESSION_PARAMETER_CUSTOM1, "target"},
    {QDMI_DEVICE_SESSION_PARAMETER_CUSTOM2, "noise"},
    {QDMI_DEVICE_SESSION_PARAMETER_CUSTOM3, "engine"},
};
#define N_SETTINGS (sizeof SETTINGS / sizeof SETTINGS[0])

struct QDMI_Device_Session_impl_d {
  int state;
  char *settings[N_SETTINGS];
  pid_t child;
  int socket;
  pthread_mutex_t lock;
  char *name, *version;
  size_t n_sites, n_pairs, n_operations, n_formats;
  struct QDMI_Site_impl_d *sites;
  QDMI_Site *site_list, *pair_list;
  bool all_pairs;
  struct QDMI_Operation_impl_d *operations;
  QDMI_Operation *operation_list;
  QDMI_Program_Format *formats;
};

struct QDMI_Device_Job_impl_d {
  QDMI_Device_Session session;
  char *id;
  bool submitted, foreign;
  int format; /* -1: not set */
  char *program;
  size_t program_size, shots;
};

/* ---- the child ------------------------------------------------------------------------------------------------- */

static bool send_all(int fd, const void *data, size_t size) {
  const char *from = data;
  while (size > 0) {
    ssize_t sent = send(fd, from, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    from += sent;
    size -= (size_t)sent;
  }
  return true;
}

static bool receive_all(int fd, char *data, size_t size) {
  while (size > 0) {
    ssize_t got = recv(fd, data, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    data += got;
    size -= (size_t)got;
  }
  return true;
}

static bool receive_line(int fd, char *line, size_t size) {
  for (size_t at = 0; at + 1 < size; at++) {
    if (!receive_all(fd, line + at, 1)) return false;
    if (line[at] == '\n') {
      line[at] = '\0';
      return true;
    }
  }
  return false;
}

/* Sends a request and gives the status that the child answers; what else it says is in *answer (ended by a zero that
 * *size does not count), for the caller to free. The session is over where the child is gone: QDMI_ERROR_FATAL. */
static int ask(QDMI_Device_Session session, const char *head, const void *body, size_t body_size, char **answer,
               size_t *size) {
  char line[128];
  int status = QDMI_ERROR_FATAL;
  long long length = -1;
  char *data = NULL;
  pthread_mutex_lock(&session->lock);
  int written = snprintf(line, sizeof line, "%s %zu\n", head, body_size);
  bool fine = session->socket >= 0 && written > 0 && (size_t)written < sizeof line &&
              send_all(session->socket, line, (size_t)written) && send_all(session->socket, body, body_size) &&
              receive_line(session->socket, line, sizeof line) && sscanf(line, "%d %lld", &status, &length) == 2 &&
              length >= 0 && (unsigned long long)length <= LONGEST_ANSWER;
  if (fine) {
    data = malloc((size_t)length + 1);
    fine = data != NULL && receive_all(session->socket, data, (size_t)length);
  }
  if (!fine && session->socket >= 0) { /* the two no longer agree on where a message begins */
    close(session->socket);
    session->socket = -1;
  }
  pthread_mutex_unlock(&session->lock);
  if (!fine) {
    free(data);
    return QDMI_ERROR_FATAL;
  }
  data[length] = '\0';
  if (answer != NULL && status == QDMI_SUCCESS) {
    *answer = data;
    if (size != NULL) *size = (size_t)length;
  } else {
    free(data);
  }
  return status;
}

static int start_child(QDMI_Device_Session session) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return QDMI_ERROR_FATAL;
  const char *python = getenv("QMK_QDMI_PYTHON");
  if (python == NULL || *python == '\0') python = QMK_PYTHON;
  char *arguments[] = {(char *)python, "-m", "qmk.integrations.qdmi", "serve", NULL};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  int failed = posix_spawnp(&session->child, python, &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (failed != 0) {
    fprintf(stderr, "qmk: cannot start %s: %s; name a Python that has QMK in QMK_QDMI_PYTHON\n", python,
            strerror(failed));
    close(ends[0]);
    return QDMI_ERROR_FATAL;
  }
  session->socket = ends[0];
  return QDMI_SUCCESS;
}

static void end_child(QDMI_Device_Session session) {
  if (session->socket >= 0) close(session->socket); /* the child ends with it */
  session->socket = -1;
  if (session->child > 0) {
    while (waitpid(session->child, NULL, 0) < 0 && errno == EINTR) continue;
  }
  session->child = 0;
}

/* ---- the description of the device ------------------------------------------------------------------------------- */

static void *grown(void *rows, size_t n, size_t size) {
  /* room for one more row: the room doubles whenever n is a power of two */
  if (n != 0 && (n & (n - 1)) != 0) return rows;
  size_t wanted = n == 0 ? 1 : 2 * n;
  void *more = realloc(rows, wanted * size);
  if (more == NULL) free(rows);
  return more;
}

static bool read_fact(QDMI_Device_Session session, char *rest) {
  if (session->n_operations == 0) return false;
  struct QDMI_Operation_impl_d *operation = &session->operations[session->n_operations - 1];
  struct fact fact = {calloc(operation->qubits ? operation->qubits : 1, sizeof(size_t)), -1, -1};
  if (fact.sites == NULL) return false;
  int used = 0;
  for (size_t k = 0; k < operation->qubits; k++, rest += used) {
    if (sscanf(rest, "%zu%n", &fact.sites[k], &used) != 1 || fact.sites[k] >= session->n_sites) {
      free(fact.sites);
      return false;
    }
  }
  operation->facts = grown(operation->facts, operation->n_facts, sizeof fact);
  if (operation->facts == NULL || sscanf(rest, "%lf %lld", &fact.fidelity, &fact.duration_ns) != 2) {
    free(fact.sites);
    if (operation->facts == NULL) operation->n_facts = 0;
    return false;
  }
  operation->facts[operation->n_facts++] = fact;
  return true;
}

static bool read_row(QDMI_Device_Session session, char *row) {
  long long t1 = 0, t2 = 0;
  size_t a = 0, b = 0;
  int number = 0;
  if (strncmp(row, "name ", 5) == 0) return (session->name = strdup(row + 5)) != NULL;
  if (strncmp(row, "version ", 8) == 0) return (session->version = strdup(row + 8)) != NULL;
  if (strcmp(row, "all") == 0) return session->all_pairs = true;
  if (sscanf(row, "site %lld %lld", &t1, &t2) == 2) {
    session->sites = grown(session->sites, session->n_sites, sizeof *session->sites);
    if (session->sites == NULL) return false;
    session->sites[session->n_sites] = (struct QDMI_Site_impl_d){session->n_sites, t1, t2};
    session->n_sites++;
    return true;
  }
  if (sscanf(row, "pair %zu %zu", &a, &b) == 2) { /* after all sites */
    if (a >= session->n_sites || b >= session->n_sites) return false;
    session->pair_list = grown(session->pair_list, session->n_pairs, 2 * sizeof(QDMI_Site));
    if (session->pair_list == NULL) return false;
    session->pair_list[2 * session->n_pairs] = &session->sites[a];
    session->pair_list[2 * session->n_pairs++ + 1] = &session->sites[b];
    return true;
  }
  if (sscanf(row, "format %d", &number) == 1) {
    session->formats = grown(session->formats, session->n_formats, sizeof *session->formats);
    if (session->formats == NULL) return false;
    session->formats[session->n_formats++] = (QDMI_Program_Format)number;
    return true;
  }
  if (strncmp(row, "fact ", 5) == 0) return read_fact(session, row + 5);
  int used = 0;
  if (sscanf(row, "operation %zu %zu %n", &a, &b, &used) == 2) {
    session->operations = grown(session->operations, session->n_operations, sizeof *session->operations);
    if (session->operations == NULL) return false;
    session->operations[session->n_operations++] = (struct QDMI_Operation_impl_d){strdup(row + used), a, b, 0, NULL};
    return session->operations[session->n_operations - 1].name != NULL;
  }
  return false;
}

static int read_device(QDMI_Device_Session session, char *text) {
  char *left = text;
  for (char *row = strtok_r(text, "\n", &left); row != NULL; row = strtok_r(NULL, "\n", &left)) {
    if (!read_row(session, row)) return QDMI_ERROR_FATAL;
  }
  session->site_list = calloc(session->n_sites + 1, sizeof(QDMI_Site));
  session->operation_list = calloc(session->n_operations + 1, sizeof(QDMI_Operation));
  if (session->site_list == NULL || session->operation_list == NULL) return QDMI_ERROR_OUTOFMEM;
  for (size_t k = 0; k < session->n_sites; k++) session->site_list[k] = &session->sites[k];
  for (size_t k = 0; k < session->n_operations; k++) session->operation_list[k] = &session->operations[k];
  return session->name != NULL && session->version != NULL && session->n_sites > 0 ? QDMI_SUCCESS : QDMI_ERROR_FATAL;
}

/* ---- answers to queries ------------------------------------------------------------------------------------------ */

static int give(const void *data, size_t needed, size_t size, void *value, size_t *size_ret) {
  if (size_ret != NULL) *size_ret = needed;
  if (value == NULL) return QDMI_SUCCESS;
  if (size < needed) return QDMI_ERROR_INVALIDARGUMENT;
  if (needed > 0) memcpy(value, data, needed);
  return QDMI_SUCCESS;
}

#define GIVE(type, what) \
  do { \
    type found_ = (what); \
    return give(&found_, sizeof found_, size, value, size_ret); \
  } while (0)
#define GIVE_TEXT(text) return give((text), strlen(text) + 1, size, value, size_ret)
#define BAD_QUERY(prop, MAX, FIRST, LAST) \
  ((value != NULL && size == 0) || ((int)(prop) < 0) || \
   ((int)(prop) >= (int)(MAX) && ((int)(prop) < (int)(FIRST) || (int)(prop) > (int)(LAST))))

int QDMI_device_initialize(void) { return QDMI_SUCCESS; }

int QDMI_device_finalize(void) { return QDMI_SUCCESS; }

int QDMI_device_session_alloc(QDMI_Device_Session *session) {
  if (session == NULL) return QDMI_ERROR_INVALIDARGUMENT;
  *session = calloc(1, sizeof **session);
  if (*session == NULL) return QDMI_ERROR_OUTOFMEM;
  (*session)->socket = -1;
  pthread_mutex_init(&(*session)->lock, NULL);
  return QDMI_SUCCESS;
}

int QDMI_device_session_set_parameter(QDMI_Device_Session session, QDMI_Device_Session_Parameter param, size_t size,
                                      const void *value) {
  if (session == NULL || (value != NULL && (size == 0 || size > LONGEST_PARAMETER)) ||
      ((int)param < 0 || ((int)param >= QDMI_DEVICE_SESSION_PARAMETER_MAX &&
                          ((int)param < QDMI_DEVICE_SESSION_PARAMETER_CUSTOM1 ||
                           (int)param > QDMI_DEVICE_SESSION_PARAMETER_CUSTOM5))))
    return QDMI_ERROR_INVALIDARGUMENT;
  if (session->state != FREE) return QDMI_ERROR_BADSTATE;
  for (size_t k = 0; k < N_SETTINGS; k++) {
    if (SETTINGS[k].param != (int)param) continue;
    if (value == NULL) return QDMI_SUCCESS; /* asks whether there is such a parameter */
    char *copy = strndup(value, size);
    if (copy == NULL) return QDMI_ERROR_OUTOFMEM;
    if (strchr(copy, '\n') != NULL) {
      free(copy);
      return QDMI_ERROR_INVALIDARGUMENT;
    }
    free(session->settings[k]);
    session->settings[k] = copy;
    return QDMI_SUCCESS;
  }
  return QDMI_ERROR_NOTSUPPORTED;
}

int QDMI_device_session_init(QDMI_Device_Session session) {
  if (session == NULL) return QDMI_ERROR_INVALIDARGUMENT;
  if (session->state != FREE || session->child != 0) return QDMI_ERROR_BADSTATE;
  size_t length = 0;
  char *settings = NULL, *answer = NULL;
  FILE *out = open_memstream(&settings, &length);
  if (out == NULL) return QDMI_ERROR_OUTOFMEM;
  for (size_t k = 0; k < N_SETTINGS; k++) {
    if (session->settings[k] != NULL) fprintf(out, "%s %s\n", SETTINGS[k].word, session->settings[k]);
  }
  if (fclose(out) != 0) return QDMI_ERROR_OUTOFMEM;
  int status = start_child(session);
  if (status == QDMI_SUCCESS) status = ask(session, "open", settings, length, &answer, NULL);
  if (status == QDMI_SUCCESS) status = read_device(session, answer);
  free(settings);
  free(answer);
  if (status == QDMI_SUCCESS) {
    session->state = OPEN;
  } else {
    end_child(session);
    session->child = -1; /* a session that failed is no good for another try */
  }
  return status;
}

void QDMI_device_session_free(QDMI_Device_Session session) {
  if (session == NULL) return;
  end_child(session);
  for (size_t k = 0; k < N_SETTINGS; k++) free(session->settings[k]);
  for (size_t k = 0; k < session->n_operations; k++) {
    struct QDMI_Operation_impl_d *operation = &session->operations[k];
    for (size_t j = 0; j < operation->n_facts; j++) free(operation->facts[j].sites);
    free(operation->facts);
    free(operation->name);
  }
  free(session->name);
  free(session->version);
  free(session->sites);
  free(session->site_list);
  free(session->pair_list);
  free(session->operations);
  free(session->operation_list);
  free(session->formats);
  pthread_mutex_destroy(&session->lock);
  free(session);
}

int QDMI_device_session_query_device_property(QDMI_Device_Session session, QDMI_Device_Property prop, size_t size,
                                              void *value, size_t *size_ret) {
  if (session == NULL ||
      BAD_QUERY(prop, QDMI_DEVICE_PROPERTY_MAX, QDMI_DEVICE_PROPERTY_CUSTOM1, QDMI_DEVICE_PROPERTY_CUSTOM5))
    return QDMI_ERROR_INVALIDARGUMENT;
  if (session->state != OPEN) return QDMI_ERROR_BADSTATE;
  char *answer = NULL;
  int status = 0;
  long long number = 0;
  switch (prop) {
  case QDMI_DEVICE_PROPERTY_NAME:
    GIVE_TEXT(session->name);
  case QDMI_DEVICE_PROPERTY_VERSION:
    GIVE_TEXT(session->version);
  case QDMI_DEVICE_PROPERTY_LIBRARYVERSION:
    GIVE_TEXT(QMK_QDMI_VERSION);
  case QDMI_DEVICE_PROPERTY_STATUS:
  case QDMI_DEVICE_PROPERTY_QUEUELENGTH:
    status = ask(session, prop == QDMI_DEVICE_PROPERTY_STATUS ? "device" : "queue", NULL, 0, &answer, NULL);
    if (status != QDMI_SUCCESS) return status;
    number = strtoll(answer, NULL, 10);
    free(answer);
    if (prop == QDMI_DEVICE_PROPERTY_STATUS) GIVE(QDMI_Device_Status, (QDMI_Device_Status)number);
    GIVE(size_t, (size_t)number);
  case QDMI_DEVICE_PROPERTY_QUBITSNUM:
    GIVE(size_t, session->n_sites);
  case QDMI_DEVICE_PROPERTY_SITES:
    return give(session->site_list, session->n_sites * sizeof(QDMI_Site), size, value, size_ret);
  case QDMI_DEVICE_PROPERTY_OPERATIONS:
    return give(session->operation_list, session->n_operations * sizeof(QDMI_Operation), size, value, size_ret);
  case QDMI_DEVICE_PROPERTY_COUPLINGMAP:
    if (session->all_pairs) return QDMI_ERROR_NOTSUPPORTED;
    return give(session->pair_list, 2 * session->n_pairs * sizeof(QDMI_Site), size, value, size_ret);
  case QDMI_DEVICE_PROPERTY_NEEDSCALIBRATION:
    GIVE(size_t, 0);
  case QDMI_DEVICE_PROPERTY_PULSESUPPORT:
    GIVE(QDMI_Device_Pulse_Support_Level, QDMI_DEVICE_PULSE_SUPPORT_LEVEL_NONE);
  case QDMI_DEVICE_PROPERTY_DURATIONUNIT:
    GIVE_TEXT("ns");
  case QDMI_DEVICE_PROPERTY_DURATIONSCALEFACTOR:
    GIVE(double, 1.0);
  case QDMI_DEVICE_PROPERTY_SUPPORTEDPROGRAMFORMATS:
    return give(session->formats, session->n_formats * sizeof(QDMI_Program_Format), size, value, size_ret);
  default:
    return QDMI_ERROR_NOTSUPPORTED;
  }
}

int QDMI_device_session_query_site_property(QDMI_Device_Session session, QDMI_Site site, QDMI_Site_Property prop,
                                            size_t size, void *value, size_t *size_ret) {
  if (session == NULL || site == NULL ||
      BAD_QUERY(prop, QDMI_SITE_PROPERTY_MAX, QDMI_SITE_PROPERTY_CUSTOM1, QDMI_SITE_PROPERTY_CUSTOM5))
    return QDMI_ERROR_INVALIDARGUMENT;
  if (session->state != OPEN) return QDMI_ERROR_BADSTATE;
  long long time_ns = prop == QDMI_SITE_PROPERTY_T1 ? site->t1_ns : site->t2_ns;
  switch (prop) {
  case QDMI_SITE_PROPERTY_INDEX:
    GIVE(size_t, site->index);
  case QDMI_SITE_PROPERTY_ISZONE:
    GIVE(bool, false);
  case QDMI_SITE_PROPERTY_T1:
  case QDMI_SITE_PROPERTY_T2:
    if (time_ns < 0) return QDMI_ERROR_NOTSUPPORTED;
    GIVE(uint64_t, (uint64_t)time_ns);
  default:
    return QDMI_ERROR_NOTSUPPORTED;
  }
}

static int operation_sites(QDMI_Device_Session session, QDMI_Operation operation, size_t size, void *value,
                           size_t *size_ret) {
  /* every site, or every pair: a gate that only some have would be a fact of its own */
  if (operation->qubits == 1)
    return give(session->site_list, session->n_sites * sizeof(QDMI_Site), size, value, size_ret);
  if (operation->qubits == 2 && !session->all_pairs)
    return give(session->pair_list, 2 * session->n_pairs * sizeof(QDMI_Site), size, value, size_ret);
  return QDMI_ERROR_NOTSUPPORTED;
}

int QDMI_device_session_query_operation_property(QDMI_Device_Session session, QDMI_Operation operation,
                                                 size_t num_sites, const QDMI_Site *sites, size_t num_params,
                                                 const double *params, QDMI_Operation_Property prop, size_t size,
                                                 void *value, size_t *size_ret) {
  if (session == NULL || operation == NULL || (sites != NULL && num_sites == 0) || (params != NULL && num_params == 0) ||
      BAD_QUERY(prop, QDMI_OPERATION_PROPERTY_MAX, QDMI_OPERATION_PROPERTY_CUSTOM1, QDMI_OPERATION_PROPERTY_CUSTOM5))
    return QDMI_ERROR_INVALIDARGUMENT;
  if (session->state != OPEN) return QDMI_ERROR_BADSTATE;
  if ((sites != NULL && num_sites != operation->qubits) || (params != NULL && num_params != operation->params))
    return QDMI_ERROR_INVALIDARGUMENT;
  const struct fact *fact = NULL;
  for (size_t k = 0; sites != NULL && fact == NULL && k < operation->n_facts; k++) {
    fact = &operation->facts[k];
    for (size_t j = 0; fact != NULL && j < num_sites; j++) {
      if (sites[j] == NULL) return QDMI_ERROR_INVALIDARGUMENT;
      if (fact->sites[j] != sites[j]->index) fact = NULL;
    }
  }
  switch (prop) {
  case QDMI_OPERATION_PROPERTY_NAME:
    GIVE_TEXT(operation->name);
  case QDMI_OPERATION_PROPERTY_QUBITSNUM:
    GIVE(size_t, operation->qubits);
  case QDMI_OPERATION_PROPERTY_PARAMETERSNUM:
    GIVE(size_t, operation->params);
  case QDMI_OPERATION_PROPERTY_SITES:
    return operation_sites(session, operation, size, value, size_ret);
  case QDMI_OPERATION_PROPERTY_ISZONED:
    GIVE(bool, false);
  case QDMI_OPERATION_PROPERTY_FIDELITY:
    if (fact == NULL || fact->fidelity < 0) return QDMI_ERROR_NOTSUPPORTED;
    GIVE(double, fact->fidelity);
  case QDMI_OPERATION_PROPERTY_DURATION:
    if (fact == NULL || fact->duration_ns < 0) return QDMI_ERROR_NOTSUPPORTED;
    GIVE(uint64_t, (uint64_t)fact->duration_ns);
  default:
    return QDMI_ERROR_NOTSUPPORTED;
  }
}

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

int QDMI_device_session_create_device_job(QDMI_Device_Session session, QDMI_Device_Job *job) {
  if (session == NULL || job == NULL) return QDMI_ERROR_INVALIDARGUMENT;
  if (session->state != OPEN) return QDMI_ERROR_BADSTATE;
  *job = calloc(1, sizeof **job);
  if (*job == NULL) return QDMI_ERROR_OUTOFMEM;
  **job = (struct QDMI_Device_Job_impl_d){.session = session, .format = -1, .shots = DEFAULT_SHOTS};
  return QDMI_SUCCESS;
}

int QDMI_device_session_retrieve_device_job_by_id(QDMI_Device_Session session, const char *job_id,
                                                  QDMI_Device_Job *job) {
  if (session == NULL || job_id == NULL || job == NULL) return QDMI_ERROR_INVALIDARGUMENT;
  if (session->state != OPEN) return QDMI_ERROR_BADSTATE;
  int status = ask(session, "find", job_id, strlen(job_id), NULL, NULL);
  if (status == QDMI_SUCCESS) status = QDMI_device_session_create_device_job(session, job);
  if (status != QDMI_SUCCESS) return status;
  (*job)->id = strdup(job_id);
  (*job)->submitted = (*job)->foreign = true;
  if ((*job)->id != NULL) return QDMI_SUCCESS;
  QDMI_device_job_free(*job);
  return QDMI_ERROR_OUTOFMEM;
}

static int set_program(QDMI_Device_Job job, size_t size, const void *value) {
  char head[64];
  if (job->format < 0) return QDMI_ERROR_BADSTATE;
  if (size > LONGEST_PROGRAM) return QDMI_ERROR_INVALIDARGUMENT;
  snprintf(head, sizeof head, "check %d", job->format);
  int status = ask(job->session, head, value, size, NULL, NULL);
  if (status != QDMI_SUCCESS) return status;
  char *copy = malloc(size);
  if (copy == NULL) return QDMI_ERROR_OUTOFMEM;
  memcpy(copy, value, size);
  free(job->program);
  job->program = copy;
  job->program_size = size;
  return QDMI_SUCCESS;
}

int QDMI_device_job_set_parameter(QDMI_Device_Job job, QDMI_Device_Job_Parameter param, size_t size,
                                  const void *value) {
  if (job == NULL || (value != NULL && size == 0) ||
      ((int)param < 0 ||
       ((int)param >= QDMI_DEVICE_JOB_PARAMETER_MAX && ((int)param < QDMI_DEVICE_JOB_PARAMETER_CUSTOM1 ||
                                                        (int)param > QDMI_DEVICE_JOB_PARAMETER_CUSTOM5))))
    return QDMI_ERROR_INVALIDARGUMENT;
  if (job->submitted) return QDMI_ERROR_BADSTATE;
  switch (param) {
  case QDMI_DEVICE_JOB_PARAMETER_PROGRAMFORMAT:
    if (value == NULL) return QDMI_SUCCESS;
    if (size < sizeof(QDMI_Program_Format)) return QDMI_ERROR_INVALIDARGUMENT;
    QDMI_Program_Format wanted;
    memcpy(&wanted, value, sizeof wanted);
    for (size_t k = 0; k < job->session->n_formats; k++) {
      if (job->session->formats[k] == wanted) {
        job->format = (int)wanted;
        return QDMI_SUCCESS;
      }
    }
    return QDMI_ERROR_NOTSUPPORTED;
  case QDMI_DEVICE_JOB_PARAMETER_PROGRAM:
    return value == NULL ? QDMI_SUCCESS : set_program(job, size, value);
  case QDMI_DEVICE_JOB_PARAMETER_SHOTSNUM:
    if (value == NULL) return QDMI_SUCCESS;
    if (size < sizeof(size_t)) return QDMI_ERROR_INVALIDARGUMENT;
    memcpy(&job->shots, value, sizeof job->shots);
    return QDMI_SUCCESS;
  default:
    return QDMI_ERROR_NOTSUPPORTED;
  }
}

/* The status of a submitted job and, where it waits, how many are before it. */
static int look(QDMI_Device_Job job, size_t wait_ms, QDMI_Job_Status *status, size_t *before) {
  char head[64];
  char *answer = NULL;
  snprintf(head, sizeof head, "wait %zu", wait_ms);
  int found = ask(job->session, head, job->id, strlen(job->id), &answer, NULL);
  if (found != QDMI_SUCCESS) return found;
  int number = QDMI_JOB_STATUS_FAILED;
  size_t ahead = 0;
  found = sscanf(answer, "%d %zu", &number, &ahead) == 2 ? QDMI_SUCCESS : QDMI_ERROR_FATAL;
  free(answer);
  *status = (QDMI_Job_Status)number;
  if (before != NULL) *before = ahead;
  return found;
}

int QDMI_device_job_query_property(QDMI_Device_Job job, QDMI_Device_Job_Property prop, size_t size, void *value,
                                   size_t *size_ret) {
  if (job == NULL ||
      BAD_QUERY(prop, QDMI_DEVICE_JOB_PROPERTY_MAX, QDMI_DEVICE_JOB_PROPERTY_CUSTOM1, QDMI_DEVICE_JOB_PROPERTY_CUSTOM5))
    return QDMI_ERROR_INVALIDARGUMENT;
  QDMI_Job_Status status = QDMI_JOB_STATUS_CREATED;
  size_t before = 0;
  int found = QDMI_SUCCESS;
  switch (prop) {
  case QDMI_DEVICE_JOB_PROPERTY_ID:
    if (job->id == NULL) return QDMI_ERROR_BADSTATE;
    GIVE_TEXT(job->id);
  case QDMI_DEVICE_JOB_PROPERTY_PROGRAMFORMAT:
    if (job->foreign) return QDMI_ERROR_NOTSUPPORTED;
    if (job->format < 0) return QDMI_ERROR_BADSTATE;
    GIVE(QDMI_Program_Format, (QDMI_Program_Format)job->format);
  case QDMI_DEVICE_JOB_PROPERTY_PROGRAM:
    if (job->foreign) return QDMI_ERROR_NOTSUPPORTED;
    if (job->program == NULL) return QDMI_ERROR_BADSTATE;
    return give(job->program, job->program_size, size, value, size_ret);
  case QDMI_DEVICE_JOB_PROPERTY_SHOTSNUM:
    if (job->foreign) return QDMI_ERROR_NOTSUPPORTED;
    GIVE(size_t, job->shots);
  case QDMI_DEVICE_JOB_PROPERTY_QUEUEPOSITION:
    if (job->id == NULL) return QDMI_ERROR_BADSTATE;
    found = look(job, 0, &status, &before);
    if (found != QDMI_SUCCESS) return found;
    if (status != QDMI_JOB_STATUS_QUEUED) return QDMI_ERROR_BADSTATE;
    GIVE(size_t, before);
  default:
    return QDMI_ERROR_NOTSUPPORTED;
  }
}

int QDMI_device_job_submit(QDMI_Device_Job job) {
  if (job == NULL) return QDMI_ERROR_INVALIDARGUMENT;
  if (job->submitted || job->program == NULL) return QDMI_ERROR_BADSTATE;
  char head[96];
  snprintf(head, sizeof head, "submit %d %zu", job->format, job->shots);
  int status = ask(job->session, head, job->program, job->program_size, &job->id, NULL);
  job->submitted = status == QDMI_SUCCESS;
  return status;
}

int QDMI_device_job_cancel(QDMI_Device_Job job) {
  if (job == NULL || job->id == NULL) return QDMI_ERROR_INVALIDARGUMENT;
  return ask(job->session, "cancel", job->id, strlen(job->id), NULL, NULL);
}

int QDMI_device_job_check(QDMI_Device_Job job, QDMI_Job_Status *status) {
  if (job == NULL || status == NULL) return QDMI_ERROR_INVALIDARGUMENT;
  *status = QDMI_JOB_STATUS_CREATED;
  return job->id == NULL ? QDMI_SUCCESS : look(job, 0, status, NULL);
}

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int QDMI_device_job_wait(QDMI_Device_Job job, size_t timeout) {
  if (job == NULL) return QDMI_ERROR_INVALIDARGUMENT;
  if (job->id == NULL) return QDMI_ERROR_FATAL;
  double end = now_s() + (double)timeout;
  for (;;) {
    QDMI_Job_Status status = QDMI_JOB_STATUS_FAILED;
    int found = look(job, PART_MS, &status, NULL);
    if (found != QDMI_SUCCESS) return found;
    if (status >= QDMI_JOB_STATUS_DONE) return QDMI_SUCCESS;
    if (timeout != 0 && now_s() >= end) return QDMI_ERROR_TIMEOUT;
  }
}

int QDMI_device_job_get_results(QDMI_Device_Job job, QDMI_Job_Result result, size_t size, void *data,
                                size_t *size_ret) {
  if (job == NULL || (data != NULL && size == 0) || (int)result < 0 ||
      ((int)result >= QDMI_JOB_RESULT_MAX &&
       ((int)result < QDMI_JOB_RESULT_CUSTOM1 || (int)result > QDMI_JOB_RESULT_CUSTOM5)))
    return QDMI_ERROR_INVALIDARGUMENT;
  if (job->id == NULL) return QDMI_ERROR_INVALIDARGUMENT; /* it has no results yet */
  char head[64];
  char *answer = NULL;
  size_t length = 0;
  snprintf(head, sizeof head, "results %d", (int)result);
  int status = ask(job->session, head, job->id, strlen(job->id), &answer, &length);
  if (status == QDMI_SUCCESS) status = give(answer, length, size, data, size_ret);
  free(answer);
  return status;
}

void QDMI_device_job_free(QDMI_Device_Job job) {
  if (job == NULL) return;
  free(job->id);
  free(job->program);
  free(job);
}
