; Qubits and results that are allocated into memory of the program, and an array of results that is recorded. QIR 2.
@found = internal constant [6 x i8] c"found\00"

define i64 @main() #0 {
entry:
  %failed = alloca i1
  %qubits = alloca [3 x ptr]
  %results = alloca [3 x ptr]
  call void @__quantum__rt__qubit_array_allocate(i64 3, ptr %qubits, ptr %failed)
  call void @__quantum__rt__result_array_allocate(i64 3, ptr %results, ptr null)
  %no = load i1, ptr %failed
  br i1 %no, label %error, label %go

error:
  ret i64 1

go:
  %q0 = load ptr, ptr %qubits
  %p1 = getelementptr inbounds [3 x ptr], ptr %qubits, i64 0, i64 1
  %q1 = load ptr, ptr %p1
  call void @__quantum__qis__h__body(ptr %q0)
  call void @__quantum__qis__cx__body(ptr %q0, ptr %q1)
  %r0 = load ptr, ptr %results
  %s1 = getelementptr inbounds [3 x ptr], ptr %results, i64 0, i64 1
  %r1 = load ptr, ptr %s1
  call void @__quantum__qis__mz__body(ptr %q0, ptr %r0)
  call void @__quantum__qis__mz__body(ptr %q1, ptr %r1)
  call void @__quantum__rt__qubit_array_release(i64 3, ptr %qubits)
  %other = call ptr @__quantum__rt__qubit_allocate(ptr %failed)
  %result = call ptr @__quantum__rt__result_allocate(ptr null)
  call void @__quantum__qis__x__body(ptr %other)
  call void @__quantum__qis__mz__body(ptr %other, ptr %result)
  call void @__quantum__rt__qubit_release(ptr %other)
  call void @__quantum__rt__result_array_record_output(i64 3, ptr %results, ptr @found)
  call void @__quantum__rt__result_record_output(ptr %result, ptr null)
  call void @__quantum__rt__result_release(ptr %result)
  call void @__quantum__rt__result_array_release(i64 3, ptr %results)
  ret i64 0
}

declare void @__quantum__rt__qubit_array_allocate(i64, ptr, ptr)
declare void @__quantum__rt__result_array_allocate(i64, ptr, ptr)
declare void @__quantum__rt__qubit_array_release(i64, ptr)
declare void @__quantum__rt__result_array_release(i64, ptr)
declare ptr @__quantum__rt__qubit_allocate(ptr)
declare ptr @__quantum__rt__result_allocate(ptr)
declare void @__quantum__rt__qubit_release(ptr)
declare void @__quantum__rt__result_release(ptr)
declare void @__quantum__qis__h__body(ptr)
declare void @__quantum__qis__x__body(ptr)
declare void @__quantum__qis__cx__body(ptr, ptr)
declare void @__quantum__qis__mz__body(ptr, ptr) #1
declare void @__quantum__rt__result_array_record_output(i64, ptr, ptr)
declare void @__quantum__rt__result_record_output(ptr, ptr)

attributes #0 = { "entry_point" "qir_profiles"="adaptive_profile" }
attributes #1 = { "irreversible" }

!llvm.module.flags = !{!0, !1, !2, !3, !4}
!0 = !{i32 1, !"qir_major_version", i32 2}
!1 = !{i32 7, !"qir_minor_version", i32 1}
!2 = !{i32 1, !"dynamic_qubit_management", i1 true}
!3 = !{i32 1, !"dynamic_result_management", i1 true}
!4 = !{i32 1, !"arrays", i1 true}
