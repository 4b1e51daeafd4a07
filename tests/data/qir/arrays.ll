; Qubits that are allocated while the program runs, gates under the controls of an array, results that are made.
%Qubit = type opaque
%Result = type opaque
%Array = type opaque

define void @main() #0 {
entry:
  %q = call %Array* @__quantum__rt__qubit_allocate_array(i64 3)
  %e0 = call i8* @__quantum__rt__array_get_element_ptr_1d(%Array* %q, i64 0)
  %p0 = bitcast i8* %e0 to %Qubit**
  %q0 = load %Qubit*, %Qubit** %p0
  %e1 = call i8* @__quantum__rt__array_get_element_ptr_1d(%Array* %q, i64 1)
  %p1 = bitcast i8* %e1 to %Qubit**
  %q1 = load %Qubit*, %Qubit** %p1
  %e2 = call i8* @__quantum__rt__array_get_element_ptr_1d(%Array* %q, i64 2)
  %p2 = bitcast i8* %e2 to %Qubit**
  %q2 = load %Qubit*, %Qubit** %p2
  call void @__quantum__qis__h__body(%Qubit* %q0)
  call void @__quantum__qis__x__body(%Qubit* %q1)
  %controls = call %Array* @__quantum__rt__array_create_1d(i32 8, i64 2)
  %c0 = call i8* @__quantum__rt__array_get_element_ptr_1d(%Array* %controls, i64 0)
  %d0 = bitcast i8* %c0 to %Qubit**
  store %Qubit* %q0, %Qubit** %d0
  %c1 = call i8* @__quantum__rt__array_get_element_ptr_1d(%Array* %controls, i64 1)
  %d1 = bitcast i8* %c1 to %Qubit**
  store %Qubit* %q1, %Qubit** %d1
  call void @__quantum__qis__x__ctl(%Array* %controls, %Qubit* %q2)
  %extra = call %Qubit* @__quantum__rt__qubit_allocate()
  call void @__quantum__qis__cx__body(%Qubit* %q2, %Qubit* %extra)
  %r = call %Result* @__quantum__qis__m__body(%Qubit* %extra)
  call void @__quantum__rt__qubit_release(%Qubit* %extra)
  %again = call %Qubit* @__quantum__rt__qubit_allocate()
  %one = call %Result* @__quantum__rt__result_get_one()
  %same = call i1 @__quantum__rt__result_equal(%Result* %r, %Result* %one)
  br i1 %same, label %then, label %after

then:
  call void @__quantum__qis__x__body(%Qubit* %again)
  br label %after

after:
  %s = call %Result* @__quantum__qis__m__body(%Qubit* %again)
  %t = call %Result* @__quantum__qis__m__body(%Qubit* %q0)
  call void @__quantum__rt__array_update_reference_count(%Array* %controls, i32 -1)
  call void @__quantum__rt__qubit_release_array(%Array* %q)
  call void @__quantum__rt__array_record_output(i64 3, i8* null)
  call void @__quantum__rt__result_record_output(%Result* %r, i8* null)
  call void @__quantum__rt__result_record_output(%Result* %s, i8* null)
  call void @__quantum__rt__result_record_output(%Result* %t, i8* null)
  ret void
}

declare %Array* @__quantum__rt__qubit_allocate_array(i64)
declare %Qubit* @__quantum__rt__qubit_allocate()
declare void @__quantum__rt__qubit_release(%Qubit*)
declare void @__quantum__rt__qubit_release_array(%Array*)
declare %Array* @__quantum__rt__array_create_1d(i32, i64)
declare i8* @__quantum__rt__array_get_element_ptr_1d(%Array*, i64)
declare void @__quantum__rt__array_update_reference_count(%Array*, i32)
declare void @__quantum__qis__h__body(%Qubit*)
declare void @__quantum__qis__x__body(%Qubit*)
declare void @__quantum__qis__x__ctl(%Array*, %Qubit*)
declare void @__quantum__qis__cx__body(%Qubit*, %Qubit*)
declare %Result* @__quantum__qis__m__body(%Qubit*)
declare %Result* @__quantum__rt__result_get_one()
declare i1 @__quantum__rt__result_equal(%Result*, %Result*)
declare void @__quantum__rt__array_record_output(i64, i8*)
declare void @__quantum__rt__result_record_output(%Result*, i8*)

attributes #0 = { "entry_point" }
