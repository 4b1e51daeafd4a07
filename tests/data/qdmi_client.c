/* Calls QMK's device library as a careless client does: nulls, sizes that are too small, numbers that mean nothing,
 * calls in the wrong order. Prints nothing and ends with 0 where every call answers as qdmi/device.h says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefix.h"

#include <qdmi/device.h>

static int wrong = 0;

#define EXPECT(status, call) \
  do { \
    int found_ = (call); \
    if (found_ != (status)) { \
      printf("line %d: %s gave %d\n", __LINE__, #call, found_); \
      wrong = 1; \
    } \
  } while (0)

static const char BELL[] =
    "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q->c;";

static void jobs(QDMI_Device_Session session) {
  QDMI_Device_Job job = NULL, other = NULL;
  QDMI_Job_Status status = QDMI_JOB_STATUS_FAILED;
  QDMI_Program_Format format = QDMI_PROGRAM_FORMAT_QASM2, strange = QDMI_PROGRAM_FORMAT_IQMJSON;
  size_t shots = 100, size = 0;
  char small[1], id[64];
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_session_create_device_job(session, NULL));
  EXPECT(QDMI_SUCCESS, QDMI_device_session_create_device_job(session, &job));
  EXPECT(QDMI_ERROR_BADSTATE, QDMI_device_job_submit(job));
  EXPECT(QDMI_ERROR_BADSTATE, QDMI_device_job_set_parameter(job, QDMI_DEVICE_JOB_PARAMETER_PROGRAM, sizeof BELL, BELL));
  EXPECT(QDMI_ERROR_NOTSUPPORTED,
         QDMI_device_job_set_parameter(job, QDMI_DEVICE_JOB_PARAMETER_PROGRAMFORMAT, sizeof strange, &strange));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_job_set_parameter(job, QDMI_DEVICE_JOB_PARAMETER_PROGRAMFORMAT, 0, &format));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_job_set_parameter(job, (QDMI_Device_Job_Parameter)77, 4, &format));
  EXPECT(QDMI_SUCCESS, QDMI_device_job_set_parameter(job, QDMI_DEVICE_JOB_PARAMETER_PROGRAMFORMAT, sizeof format, &format));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_job_set_parameter(job, QDMI_DEVICE_JOB_PARAMETER_PROGRAM, 4, "h q["));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_job_set_parameter(job, QDMI_DEVICE_JOB_PARAMETER_PROGRAM, 12, "/etc/passwd"));
  EXPECT(QDMI_SUCCESS, QDMI_device_job_set_parameter(job, QDMI_DEVICE_JOB_PARAMETER_PROGRAM, sizeof BELL, BELL));
  EXPECT(QDMI_SUCCESS, QDMI_device_job_set_parameter(job, QDMI_DEVICE_JOB_PARAMETER_SHOTSNUM, sizeof shots, &shots));
  EXPECT(QDMI_ERROR_BADSTATE, QDMI_device_job_query_property(job, QDMI_DEVICE_JOB_PROPERTY_ID, 0, NULL, &size));
  EXPECT(QDMI_SUCCESS, QDMI_device_job_check(job, &status));
  EXPECT(QDMI_JOB_STATUS_CREATED, (int)status);
  EXPECT(QDMI_SUCCESS, QDMI_device_job_submit(job));
  EXPECT(QDMI_ERROR_BADSTATE, QDMI_device_job_submit(job));
  EXPECT(QDMI_SUCCESS, QDMI_device_job_wait(job, 60));
  EXPECT(QDMI_SUCCESS, QDMI_device_job_get_results(job, QDMI_JOB_RESULT_SHOTS, 0, NULL, &size));
  EXPECT(300, (int)size);
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_job_get_results(job, QDMI_JOB_RESULT_SHOTS, 1, small, NULL));
  EXPECT(QDMI_ERROR_NOTSUPPORTED, QDMI_device_job_get_results(job, QDMI_JOB_RESULT_STATEVECTOR_DENSE, 0, NULL, &size));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_job_get_results(job, (QDMI_Job_Result)99, 0, NULL, &size));
  EXPECT(QDMI_SUCCESS, QDMI_device_job_query_property(job, QDMI_DEVICE_JOB_PROPERTY_ID, sizeof id, id, &size));
  EXPECT(QDMI_SUCCESS, QDMI_device_session_retrieve_device_job_by_id(session, id, &other));
  EXPECT(QDMI_ERROR_BADSTATE, QDMI_device_job_submit(other));
  EXPECT(QDMI_SUCCESS, QDMI_device_job_check(other, &status));
  EXPECT(QDMI_JOB_STATUS_DONE, (int)status);
  QDMI_device_job_free(other);
  EXPECT(QDMI_ERROR_NOTFOUND, QDMI_device_session_retrieve_device_job_by_id(session, "qmk-none", &other));
  QDMI_device_job_free(job);
  QDMI_device_job_free(NULL);
}

int main(void) {
  QDMI_Device_Session session = NULL;
  size_t size = 0;
  char name[64], small[1];
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_session_alloc(NULL));
  EXPECT(QDMI_SUCCESS, QDMI_device_session_alloc(&session));
  EXPECT(QDMI_ERROR_BADSTATE, QDMI_device_session_query_device_property(session, QDMI_DEVICE_PROPERTY_NAME, 0, NULL, &size));
  EXPECT(QDMI_ERROR_NOTSUPPORTED, QDMI_device_session_set_parameter(session, QDMI_DEVICE_SESSION_PARAMETER_PASSWORD, 2, "p"));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_session_set_parameter(session, QDMI_DEVICE_SESSION_PARAMETER_MAX, 2, "p"));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_session_set_parameter(session, QDMI_DEVICE_SESSION_PARAMETER_CUSTOM1, 9, "a\ntoken x"));
  EXPECT(QDMI_SUCCESS, QDMI_device_session_set_parameter(session, QDMI_DEVICE_SESSION_PARAMETER_CUSTOM1, 7, "nothing"));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_session_init(session)); /* there is no such target */
  EXPECT(QDMI_ERROR_BADSTATE, QDMI_device_session_init(session));
  QDMI_device_session_free(session);
  EXPECT(QDMI_SUCCESS, QDMI_device_session_alloc(&session));
  EXPECT(QDMI_SUCCESS, QDMI_device_session_init(session));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT,
         QDMI_device_session_query_device_property(session, (QDMI_Device_Property)-1, 0, NULL, &size));
  EXPECT(QDMI_ERROR_NOTSUPPORTED,
         QDMI_device_session_query_device_property(session, QDMI_DEVICE_PROPERTY_CUSTOM3, 0, NULL, &size));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT,
         QDMI_device_session_query_device_property(session, QDMI_DEVICE_PROPERTY_NAME, 1, small, &size));
  EXPECT(QDMI_SUCCESS, QDMI_device_session_query_device_property(session, QDMI_DEVICE_PROPERTY_NAME, sizeof name, name, &size));
  EXPECT(0, strcmp(name, "QMK"));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_session_query_site_property(session, NULL, QDMI_SITE_PROPERTY_T1, 0, NULL, &size));
  EXPECT(QDMI_ERROR_INVALIDARGUMENT, QDMI_device_session_query_operation_property(session, NULL, 0, NULL, 0, NULL,
                                                                                 QDMI_OPERATION_PROPERTY_NAME, 0, NULL, &size));
  jobs(session);
  QDMI_device_session_free(session);
  QDMI_device_session_free(NULL);
  return wrong;
}
